package emf_test

import (
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/test/emf"
)

// TestRead checks that the rules find each mistake, so that other tests can rely on them.
func TestRead(t *testing.T) {
	const good = `{"a":1,"b":[1.5,2],"c":"web","_aws":{"Timestamp":1000,"CloudWatchMetrics":[{"Namespace":"x/y","Dimensions":[[],["c"]],"Metrics":[{"Name":"a","Unit":"Count"},{"Name":"b"}]}]}}`
	data, problems := emf.Read([]byte(good))
	if len(problems) > 0 || len(data) != 4 {
		t.Fatalf("%v, %v", data, problems)
	}
	if d := data[3]; d.Name != "b" || d.Sum() != 3.5 || d.Dimensions["c"] != "web" || d.At.UnixMilli() != 1000 || d.Namespace != "x/y" {
		t.Errorf("%v", d)
	}
	if data, problems := emf.Read([]byte(`{"a":1}`)); len(data)+len(problems) > 0 {
		t.Errorf("%v, %v", data, problems)
	}
	for what, change := range map[string][2]string{
		"a second line":                     {`"a":1`, "\"a\":1}\n{"},
		"the value is missing":              {`"a":1,`, ``},
		"the value is a text":               {`"a":1`, `"a":"1"`},
		"a value of many is a text":         {`1.5`, `"x"`},
		"no value":                          {`[1.5,2]`, `[]`},
		"too many values":                   {`[1.5,2]`, `[1` + strings.Repeat(",1", 100) + `]`},
		"the dimension is missing":          {`"c":"web",`, ``},
		"the dimension is a number":         {`"web"`, `1`},
		"the dimension is empty":            {`"web"`, `""`},
		"the dimension is not ASCII":        {`"web"`, `"é"`},
		"a dimension twice":                 {`["c"]`, `["c","c"]`},
		"too many dimensions":               {`["c"]`, `["c"` + strings.Repeat(`,"c"`, 30) + `]`},
		"no set of dimensions":              {`[[],["c"]]`, `[]`},
		"a set twice":                       {`[[],["c"]]`, `[[],[]]`},
		"a namespace of AWS":                {`x/y`, `AWS/Lambda`},
		"a namespace with a space":          {`x/y`, `x y`},
		"no namespace":                      {`"Namespace":"x/y",`, ``},
		"a time of another form":            {`1000`, `"1000"`},
		"no time":                           {`"Timestamp":1000,`, ``},
		"a unit that is none":               {`Count`, `Counts`},
		"a member that the format has not":  {`"Timestamp"`, `"Time":1,"Timestamp"`},
		"a metric without a name":           {`"Name":"b"`, `"Unit":"None"`},
		"a metric twice":                    {`{"Name":"b"}`, `{"Name":"a"}`},
		"a member twice":                    {`"a":1`, `"a":1,"a":2`},
		"a directive without any metric":    {`{"Name":"a","Unit":"Count"},{"Name":"b"}`, ``},
		"a line longer than what is stored": {`"a":1`, `"a":1,"z":"` + strings.Repeat("x", 256<<10) + `"`},
	} {
		if _, problems := emf.Read([]byte(strings.Replace(good, change[0], change[1], 1))); len(problems) == 0 {
			t.Errorf("nothing is found: %s", what)
		}
	}
}
