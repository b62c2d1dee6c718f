package dynamo

import (
	"math"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// These conditions hold that an attribute is missing or has the form that a reader takes. Without them an update would
// write over a damaged attribute. Two kinds of damage escape them: a fraction in the place of a whole number, and JSON
// that is broken after its first byte. Conditions have no arithmetic and parse no text.

func (e *expression) isText(name string) string { return e.hasType(name, "S") }
func (e *expression) isFlag(name string) string { return e.hasType(name, "BOOL") }

// isObject takes a text that begins as a JSON object does.
func (e *expression) isObject(name string) string {
	return e.missingOr(name, "begins_with("+e.name(name)+", "+e.constant(":object", str("{"))+")")
}

// isNumber takes what reader.uint takes. A value of another type lies between no numbers.
func (e *expression) isNumber(name string) string {
	return e.missingOr(name, e.name(name)+" BETWEEN "+e.constant(":least", num(0))+" AND "+e.constant(":most", num(uint64(math.MaxUint64))))
}

// isBytes takes n bytes.
func (e *expression) isBytes(name string, n int) string {
	return e.hasType(name, "B") + " AND " + e.missingOr(name, "size("+e.name(name)+") = "+e.value(num(n)))
}

func (e *expression) hasType(name, letters string) string {
	return e.missingOr(name, "attribute_type("+e.name(name)+", "+e.constant(":type"+letters, str(letters))+")")
}

func (e *expression) missingOr(name, condition string) string {
	return "(attribute_not_exists(" + e.name(name) + ") OR " + condition + ")"
}

// constant is a value that stands in a request once, under a placeholder of its own.
func (e *expression) constant(placeholder string, v types.AttributeValue) string {
	e.values[placeholder] = v
	return placeholder
}
