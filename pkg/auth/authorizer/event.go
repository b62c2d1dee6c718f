package authorizer

import "github.com/edgeauth/edgeauth/pkg/auth/strictjson"

// event holds the fields of all authorizer events by which they are told apart and answered. Each may be missing or
// null in the text, and is empty then.
type event struct {
	kind      string // its name in the text is type
	version   string
	routeARN  string
	methodARN string
	requestID string
	headers   []strictjson.Member // values still encoded: of thirty headers one is read
}

// readEvent reads one pass over the top level and one over the two objects of interest. It takes no event that has two
// readings, and its errors hold nothing of the text.
func readEvent(text []byte) (*event, error) {
	members, err := strictjson.Members(string(text))
	if err != nil {
		return nil, err
	}
	var e event
	for _, m := range members {
		if m.Raw == "null" {
			continue
		}
		switch m.Name {
		case "type":
			e.kind, err = strictjson.String(m.Raw)
		case "version":
			e.version, err = strictjson.String(m.Raw)
		case "routeArn":
			e.routeARN, err = strictjson.String(m.Raw)
		case "methodArn":
			e.methodARN, err = strictjson.String(m.Raw)
		case "headers":
			e.headers, err = strictjson.Members(m.Raw)
		case "requestContext":
			e.requestID, err = requestID(m.Raw)
		}
		if err != nil {
			return nil, err
		}
	}
	return &e, nil
}

func requestID(requestContext string) (string, error) {
	members, err := strictjson.Members(requestContext)
	if err != nil {
		return "", err
	}
	for _, m := range members {
		if m.Name == "requestId" && m.Raw != "null" {
			return strictjson.String(m.Raw)
		}
	}
	return "", nil
}
