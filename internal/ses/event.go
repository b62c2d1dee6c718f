package ses

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Feedback is what SES reports of a mail that it has sent.
type Feedback struct {
	Complaint bool // otherwise a bounce
	// Permanent means that the address takes no mails, or that its owner wants none. Otherwise a
	// mailbox is full or a server was away.
	Permanent bool
	// Recipients are those to whom the mail was sent. The report names recipients of its own, but
	// these are words of the other server: an owner of one mailbox could report another's address.
	Recipients []string
}

// notification holds of an event only what decides. SES adds members over time, so others are allowed.
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

// source is that of the events of SES on the bus of EventBridge. Only AWS can set it.
const source = "aws.ses"

// IsEvent reports whether an event comes from EventBridge, and is not a message.
func IsEvent(event []byte) bool {
	var n notification
	return json.Unmarshal(event, &n) == nil && n.Source != ""
}

// ParseEvent returns what an event of EventBridge reports. The error holds no part of the event but its
// type.
func ParseEvent(event []byte) (Feedback, error) {
	var n notification
	if err := json.Unmarshal(event, &n); err != nil {
		return Feedback{}, errors.New("ses: the event is not an event of EventBridge")
	}
	if n.Source != source {
		return Feedback{}, errors.New("ses: the event is not of aws.ses")
	}
	f := Feedback{Recipients: n.Detail.Mail.Destination}
	switch n.Detail.EventType {
	case "Bounce":
		f.Permanent = n.Detail.Bounce.BounceType == "Permanent"
	case "Complaint":
		f.Complaint = true
		f.Permanent = n.Detail.Complaint.ComplaintFeedbackType != "not-spam" // the owner took it back
	default:
		return Feedback{}, fmt.Errorf("ses: the event has type %.20q (want Bounce or Complaint)", n.Detail.EventType)
	}
	if len(f.Recipients) == 0 {
		return Feedback{}, errors.New("ses: the event does not say to whom the mail was sent")
	}
	return f, nil
}
