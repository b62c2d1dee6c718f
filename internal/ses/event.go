package ses

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Feedback is a report of SES about a mail that it has sent.
type Feedback struct {
	Complaint bool // otherwise a bounce
	// Permanent means that the address accepts no mails, or that its owner does not want any.
	// Otherwise a mailbox is full or a server was unavailable.
	Permanent bool
	// Recipients are the addresses to which the mail was sent. The report also names recipients,
	// but they come from the other mail server: the owner of a mailbox could report another
	// person's address.
	Recipients []string
}

// notification has only the members of an event that this package needs. SES adds members over
// time, so unknown members are allowed.
type notification struct {
	Source string `json:"source"`
	Detail struct {
		EventType string `json:"eventType"`
		Mail      struct {
			Destination []string `json:"destination"`
		} `json:"mail"`
		Bounce struct {
			BounceType string `json:"bounceType"`
		} `json:"bounce"`
		Complaint struct {
			ComplaintFeedbackType string `json:"complaintFeedbackType"`
		} `json:"complaint"`
	} `json:"detail"`
}

// source is the source of SES events on the bus of EventBridge. Only AWS can set it.
const source = "aws.ses"

// IsEvent reports whether an input is an event of EventBridge and not a message.
func IsEvent(event []byte) bool {
	var n notification
	return json.Unmarshal(event, &n) == nil && n.Source != ""
}

// ParseEvent returns the report in an event of EventBridge. The error contains no part of the event
// except its type.
func ParseEvent(event []byte) (Feedback, error) {
	var n notification
	if err := json.Unmarshal(event, &n); err != nil {
		return Feedback{}, errors.New("ses: the event is not an event of EventBridge")
	}
	if n.Source != source {
		return Feedback{}, errors.New("ses: the source of the event is not aws.ses")
	}
	f := Feedback{Recipients: n.Detail.Mail.Destination}
	switch n.Detail.EventType {
	case "Bounce":
		f.Permanent = n.Detail.Bounce.BounceType == "Permanent"
	case "Complaint":
		f.Complaint = true
		f.Permanent = n.Detail.Complaint.ComplaintFeedbackType != "not-spam" // the owner withdrew the complaint
	default:
		return Feedback{}, fmt.Errorf("ses: the event has type %.20q (want Bounce or Complaint)", n.Detail.EventType)
	}
	if len(f.Recipients) == 0 {
		return Feedback{}, errors.New("ses: the event has no address to which the mail was sent")
	}
	return f, nil
}
