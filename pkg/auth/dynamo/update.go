package dynamo

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// expression collects the names and values of a request's expressions. Every attribute name needs a
// placeholder, because DynamoDB reserves hundreds of words.
type expression struct {
	names  map[string]string
	values attributes
}

func newExpression() *expression {
	return &expression{names: map[string]string{}, values: attributes{}}
}

func (e *expression) name(attribute string) string {
	placeholder := "#" + attribute
	if strings.HasPrefix(attribute, sourcePrefix) {
		// A source's name may contain characters that a placeholder must not contain.
		placeholder = "#f"
	}
	e.names[placeholder] = attribute
	return placeholder
}

func (e *expression) value(v types.AttributeValue) string {
	placeholder := fmt.Sprintf(":%d", len(e.values))
	e.values[placeholder] = v
	return placeholder
}

// compare renders "attribute operator value".
func (e *expression) compare(attribute, operator string, v types.AttributeValue) string {
	return e.name(attribute) + " " + operator + " " + e.value(v)
}

// readable renders a condition of every write to an existing item: the item has the version that
// this code reads.
func (e *expression) readable() string { return e.compare(attrVersion, "=", num(schemaVersion)) }

// render returns the UpdateItem that is equivalent to u.Do.
func render(u session.Update) *dynamodb.UpdateItemInput {
	e := newExpression()
	in := &dynamodb.UpdateItemInput{
		ConditionExpression: aws.String(e.condition(u.If)),
		UpdateExpression:    aws.String("SET " + strings.Join(e.assignments(u.Set), ", ")),
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.names, e.values
	return in
}

func (e *expression) condition(c session.Condition) string {
	// attribute_not_exists alone would also hold for a missing item and create it. The condition on
	// the version prevents this, because a missing item has no version.
	all := []string{e.readable(), "attribute_not_exists(" + e.name(attrRevoked) + ")"}
	if !c.LiveAt.IsZero() {
		all = append(all, e.compare(attrIdleEnd, ">", ms(c.LiveAt)), e.compare(attrAbsoluteEnd, ">", ms(c.LiveAt)))
	}
	if !c.CreatedFrom.IsZero() {
		all = append(all, e.compare(attrCreated, ">=", ms(c.CreatedFrom)))
	}
	if c.Client != nil {
		all = append(all, e.compare(attrClient, "=", str(string(*c.Client))))
	}
	if c.Kind != 0 {
		all = append(all, e.compare(attrKind, "=", num(uint8(c.Kind))))
	}
	if c.Profile != 0 {
		all = append(all, e.compare(attrProfile, "=", num(uint8(c.Profile))))
	}
	switch {
	case c.ByCookie == nil:
	case *c.ByCookie:
		// The condition lists the known deliveries, so that a session with a delivery of a later
		// version is not written.
		words := make([]string, 0, 3)
		for d := auth.DeliveryCookie; d.Valid(); d++ {
			words = append(words, e.value(str(d.String())))
		}
		all = append(all, e.name(attrDelivery)+" IN ("+strings.Join(words, ", ")+")")
	default:
		all = append(all, "attribute_not_exists("+e.name(attrDelivery)+")")
	}
	if !c.UnpausedAt.IsZero() {
		all = append(all, "(attribute_not_exists("+e.name(attrPaused)+") OR "+e.compare(attrPaused, "<=", ms(c.UnpausedAt))+")")
	}
	if !c.IdleSince.IsZero() {
		all = append(all, e.compare(attrLastSeen, "<=", ms(c.IdleSince)))
	}
	for _, k := range c.Known {
		all = append(all, e.known(k))
	}
	if len(c.AnyOf) > 0 {
		any := make([]string, len(c.AnyOf))
		for i, m := range c.AnyOf {
			any[i] = e.match(m)
		}
		all = append(all, grouped(any, " OR "))
	}
	return strings.Join(all, " AND ")
}

// known renders the condition that the item belongs to another client, that it remembers the fact,
// or that it remembers no fact of this kind.
func (e *expression) known(k session.Known) string {
	clients := make([]string, len(k.Clients))
	for i, id := range k.Clients {
		clients[i] = e.value(str(string(id)))
	}
	names := slots[k.Kind]
	terms := []string{
		"NOT " + e.name(attrClient) + " IN (" + strings.Join(clients, ", ") + ")",
		e.compare(names[k.Fact.Slot(len(names))], "=", num(k.Fact)),
	}
	empty := make([]string, len(names))
	for i, name := range names {
		empty[i] = "attribute_not_exists(" + e.name(name) + ")"
	}
	return grouped(append(terms, grouped(empty, " AND ")), " OR ")
}

func (e *expression) match(m session.Match) string {
	var all []string
	if m.Below != 0 {
		all = append(all, e.compare(attrGeneration, "<", num(m.Below)))
	} else {
		all = append(all, e.compare(attrGeneration, "=", num(m.Generation)))
	}
	if m.Parent != nil {
		all = append(all, e.compare(attrParent, "=", bin(m.Parent[:])))
	}
	if !m.RotatedBy.IsZero() {
		all = append(all, e.compare(attrRotated, "<=", ms(m.RotatedBy)))
	}
	return grouped(all, " AND ")
}

// grouped joins terms, in parentheses if there is more than one: DynamoDB refuses redundant
// parentheses.
func grouped(terms []string, operator string) string {
	if len(terms) == 1 {
		return terms[0]
	}
	return "(" + strings.Join(terms, operator) + ")"
}

func (e *expression) assignments(c session.Change) []string {
	var all []string
	set := func(attribute, to string) { all = append(all, e.name(attribute)+" = "+to) }
	if r := c.Rotation; r != nil {
		set(attrGeneration, e.value(num(r.Generation)))
		set(attrParent, e.value(bin(r.Parent[:])))
		set(attrRotated, e.value(ms(r.At)))
		set(attrInvocation, e.value(bin(r.Invocation[:])))
	}
	if a := c.Activity; a != nil {
		set(attrLastSeen, e.value(ms(a.At)))
		// The item has the idle timeout of its session.
		set(attrIdleEnd, e.value(ms(a.At))+" + "+e.name(attrIdle))
		set(attrExpires, e.value(num(a.At.Unix()))+" + "+e.name(attrKeep))
	}
	if r := c.Revocation; r != nil {
		set(attrRevoked, e.value(ms(r.At)))
		set(attrRevokeReason, e.value(str(string(r.Reason))))
		if r.Invocation != (session.Invocation{}) {
			set(attrRevokeMark, e.value(bin(r.Invocation[:])))
		}
	}
	if p := c.Pause; p != nil {
		set(attrPaused, e.value(ms(p.Until)))
	}
	if c.Label != nil {
		set(attrLabel, e.value(str(*c.Label)))
	}
	if f := c.Facts; f != nil {
		for kind, names := range slots {
			if tag := f.Tag(session.FactKind(kind)); tag != 0 {
				set(names[tag.Slot(len(names))], e.value(num(tag)))
			}
		}
		if f.Network != 0 {
			set(attrNetwork, e.value(num(f.Network)))
		}
		if f.Place != 0 {
			set(attrPlace, e.value(num(f.Place)))
		}
	}
	if c.TokenVersion != nil {
		set(attrTokenVersion, e.value(num(*c.TokenVersion)))
	}
	return all
}
