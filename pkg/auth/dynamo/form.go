package dynamo

import (
	"math"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// These conditions require that an attribute is missing or readable. Without them an update would
// overwrite a damaged attribute. Three kinds of damage escape them: a fraction instead of a whole
// number, JSON that is broken after its first byte, and a damaged member of a set. DynamoDB
// conditions have no arithmetic and cannot parse text.

func (e *expression) isText(name string) string { return e.hasType(name, "S") }
func (e *expression) isFlag(name string) string { return e.hasType(name, "BOOL") }

// isObject requires a text that begins with "{".
func (e *expression) isObject(name string) string {
	return e.missingOr(name, "begins_with("+e.name(name)+", "+e.constant(":object", str("{"))+")")
}

// isNumber requires a number that reader.uint accepts. A value of another type fails the
// comparison.
func (e *expression) isNumber(name string) string {
	return e.missingOr(name, e.name(name)+" BETWEEN "+e.constant(":least", num(0))+" AND "+e.constant(":most", num(uint64(math.MaxUint64))))
}

// isBytes requires a binary value of n bytes.
func (e *expression) isBytes(name string, n int) string {
	return e.hasType(name, "B") + " AND " + e.missingOr(name, "size("+e.name(name)+") = "+e.value(num(n)))
}

func (e *expression) hasType(name, letters string) string {
	return e.missingOr(name, "attribute_type("+e.name(name)+", "+e.constant(":type"+letters, str(letters))+")")
}

func (e *expression) missingOr(name, condition string) string {
	return "(attribute_not_exists(" + e.name(name) + ") OR " + condition + ")"
}

// constant adds a value to the request once, under a fixed placeholder.
func (e *expression) constant(placeholder string, v types.AttributeValue) string {
	e.values[placeholder] = v
	return placeholder
}
