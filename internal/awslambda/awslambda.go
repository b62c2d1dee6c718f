// Package awslambda hands messages over to the function that sends mails. No other package that
// functions link imports the Lambda client.
//
//	queue := awslambda.NewQueue(config, arn)
//	err := queue.Enqueue(ctx, message)
package awslambda

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// Queue is the queue of asynchronous calls of one function. Lambda stores the waiting messages
// encrypted, for at most the configured age. A Queue is safe for concurrent use.
type Queue struct {
	api      *lambda.Client
	function string
}

// NewQueue returns the queue of a function, by its name or ARN, with an alias or without. It does no
// I/O.
func NewQueue(c awsclient.Config, function string) *Queue {
	o := c.Options()
	return &Queue{lambda.New(lambda.Options{
		Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, HTTPClient: o.HTTPClient, Retryer: o.Retryer,
	}), function}
}

// Enqueue hands a message over and returns when Lambda has stored it. The call takes the same time
// for every kind of message. A retry after a lost reply may hand the message over twice, which
// sends the same code twice. The error wraps [auth.ErrUnavailable]: the message may have been
// handed over.
func (q *Queue) Enqueue(ctx context.Context, m mail.Message) error {
	event, err := m.Event()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, awsclient.CallTimeout)
	defer cancel()
	_, err = q.api.Invoke(ctx, &lambda.InvokeInput{FunctionName: &q.function, InvocationType: types.InvocationTypeEvent, Payload: event})
	var refused interface{ ErrorCode() string }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.ErrorCode() == "AccessDeniedException":
		return fmt.Errorf("function %s: %w: this role may not call it (it needs lambda:InvokeFunction): %w", q.function, auth.ErrUnavailable, err)
	}
	return fmt.Errorf("function %s: %w: %w", q.function, auth.ErrUnavailable, err)
}
