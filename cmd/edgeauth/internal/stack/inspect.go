package stack

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// The types of resources that can be inspected.
const (
	functionType = "AWS::Lambda::Function"
	alarmType    = "AWS::CloudWatch::Alarm"
)

// Function is a function of the stack, as callers reach it: by its alias live.
type Function struct {
	LogicalID, Name string
	Missing         bool
	State           string            // as in AWS Lambda: Active, or the reason why not
	Environment     map[string]string // without secrets: the template puts no secret there
}

// Alarm is an alarm of the stack.
type Alarm struct {
	LogicalID, Name string
	Missing         bool
	State           string // OK, ALARM or INSUFFICIENT_DATA
	Reason          string
	Notifies        bool
}

// Inspect reads the functions and the alarms of the stack. It changes nothing.
func (s Stack) Inspect(ctx context.Context) (functions []Function, alarms []Alarm, err error) {
	pages := cloudformation.NewListStackResourcesPaginator(cloudformation.NewFromConfig(s.cfg()), &cloudformation.ListStackResourcesInput{StackName: &s.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, Explain(fmt.Errorf("list the resources of the stack %s: %w", s.Name, err))
		}
		for _, r := range page.StackResourceSummaries {
			id, name := aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId)
			switch aws.ToString(r.ResourceType) {
			case functionType:
				functions = append(functions, Function{LogicalID: id, Name: name})
			case alarmType:
				alarms = append(alarms, Alarm{LogicalID: id, Name: name})
			}
		}
	}
	for i := range functions {
		if err := s.function(ctx, &functions[i]); err != nil {
			return nil, nil, Explain(fmt.Errorf("read the function %s: %w", functions[i].Name, err))
		}
	}
	if err := s.alarms(ctx, alarms); err != nil {
		return nil, nil, Explain(fmt.Errorf("read the alarms of the stack %s: %w", s.Name, err))
	}
	return functions, alarms, nil
}

func (s Stack) function(ctx context.Context, f *Function) error {
	c, err := lambda.NewFromConfig(s.cfg()).GetFunctionConfiguration(ctx,
		&lambda.GetFunctionConfigurationInput{FunctionName: &f.Name, Qualifier: aws.String("live")})
	if errors.As(err, new(*lambdatypes.ResourceNotFoundException)) {
		f.Missing = true
		return nil
	}
	if err != nil {
		return err
	}
	f.State = string(c.State)
	if c.Environment != nil {
		f.Environment = c.Environment.Variables
	}
	return nil
}

// alarms sets the states of the alarms, which are at most a hundred.
func (s Stack) alarms(ctx context.Context, alarms []Alarm) error {
	if len(alarms) == 0 {
		return nil
	}
	names := make([]string, len(alarms))
	for i, a := range alarms {
		names[i] = a.Name
	}
	out, err := cloudwatch.NewFromConfig(s.cfg()).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: names, MaxRecords: aws.Int32(100)})
	if err != nil {
		return err
	}
	for i := range alarms {
		alarms[i].Missing = true
		for _, a := range out.MetricAlarms {
			if aws.ToString(a.AlarmName) == alarms[i].Name {
				alarms[i].Missing, alarms[i].State, alarms[i].Reason = false, string(a.StateValue), oneLine(aws.ToString(a.StateReason))
				alarms[i].Notifies = aws.ToBool(a.ActionsEnabled) && len(a.AlarmActions) > 0
			}
		}
	}
	return nil
}
