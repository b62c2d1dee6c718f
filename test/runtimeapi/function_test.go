package runtimeapi_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

// beFunction is a Lambda function that tests the server: this test program, started as a function.
func beFunction() {
	switch os.Getenv("START") {
	case "dies":
		log.Fatal("as log.Fatal ends it")
	case "reports":
		answer, err := http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error",
			"application/json", strings.NewReader(`{"errorType":"Function.Unhappy","errorMessage":"no such thing"}`))
		if err != nil || answer.StatusCode != http.StatusAccepted {
			log.Fatal("the report was not taken")
		}
		os.Exit(1)
	case "hangs":
		time.Sleep(time.Hour)
	}
	count := 0
	lambda.Start(func(ctx context.Context, event string) (string, error) {
		count++
		switch event {
		case "who":
			c, _ := lambdacontext.FromContext(ctx)
			deadline, _ := ctx.Deadline()
			return fmt.Sprint(len(c.AwsRequestID), c.InvokedFunctionArn != "", time.Until(deadline) > 0, os.Getenv("HOME") == ""), nil
		case "error":
			return "", errors.New("wrong")
		case "panic":
			panic("very wrong")
		case "exit":
			os.Exit(7)
		case "sleep":
			time.Sleep(time.Hour)
		}
		return fmt.Sprint(event, " ", count), nil
	})
}

func newFake(t *testing.T, start string) *runtimeapi.Function {
	return runtimeapi.New(t, os.Args[0], map[string]string{"START": start})
}

func TestInvoke(t *testing.T) {
	f := newFake(t, "")
	for _, step := range []struct {
		event, answer, errorType, message string
	}{
		{event: "a", answer: `"a 1"`},
		{event: "who", answer: `"36 true true true"`},
		{event: "error", errorType: "errorString", message: "wrong"},
		{event: "b", answer: `"b 4"`}, // the same process continues after an error
		{event: "exit", errorType: runtimeapi.ErrorExit, message: "exit status 7"},
		{event: "c", answer: `"c 1"`}, // another process continues after a crash
		{event: "panic", errorType: "string", message: "very wrong"},
		{event: "d", answer: `"d 1"`},
	} {
		answer, err := f.Invoke(t.Context(), []byte(`"`+step.event+`"`))
		if string(answer) != step.answer {
			t.Errorf("%s: the answer is %s, should be %s", step.event, answer, step.answer)
		}
		expectError(t, err, step.errorType, step.message)
	}
}

func TestTimeout(t *testing.T) {
	for _, start := range []string{"", "hangs"} {
		f := newFake(t, start)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := f.Invoke(ctx, []byte(`"sleep"`))
		expectError(t, err, runtimeapi.ErrorTimeout, "")
	}
}

func TestStartFails(t *testing.T) {
	_, err := newFake(t, "dies").Invoke(t.Context(), []byte(`"a"`))
	expectError(t, err, runtimeapi.ErrorExit, "exit status 1")
	if !strings.Contains(err.Error(), "as log.Fatal ends it") {
		t.Errorf("what the process wrote is not in %v", err)
	}
	_, err = newFake(t, "reports").Invoke(t.Context(), []byte(`"a"`))
	expectError(t, err, "Function.Unhappy", "no such thing")
}

func TestKill(t *testing.T) {
	f := newFake(t, "")
	f.Kill() // no process runs
	expectAnswer(t, f, `"a 1"`)
	f.Kill() // while the process waits
	expectAnswer(t, f, `"a 1"`)
	go func() {
		time.Sleep(100 * time.Millisecond)
		f.Kill()
	}()
	_, err := f.Invoke(t.Context(), []byte(`"sleep"`))
	expectError(t, err, runtimeapi.ErrorExit, "signal: killed")
	f.LoseNextAnswer()
	_, err = f.Invoke(t.Context(), []byte(`"a"`))
	expectError(t, err, runtimeapi.ErrorExit, "signal: killed")
	expectAnswer(t, f, `"a 1"`)
}

// Functions run in parallel, and each handles one event at a time.
func TestInvokeInParallel(t *testing.T) {
	var wait sync.WaitGroup
	for range 3 {
		f := newFake(t, "")
		for range 10 {
			wait.Go(func() {
				if _, err := f.Invoke(t.Context(), []byte(`"a"`)); err != nil {
					t.Error(err)
				}
			})
		}
		defer expectAnswer(t, f, `"a 11"`)
	}
	wait.Wait()
}

func expectAnswer(t *testing.T, f *runtimeapi.Function, want string) {
	t.Helper()
	answer, err := f.Invoke(t.Context(), []byte(`"a"`))
	if err != nil || string(answer) != want {
		t.Errorf("got %s, %v, want %s", answer, err, want)
	}
}

// expectError expects no error if errorType is empty.
func expectError(t *testing.T, err error, errorType, message string) {
	t.Helper()
	var e *runtimeapi.Error
	if errors.As(err, &e) != (errorType != "") || (err != nil) != (e != nil) {
		t.Errorf("got the error %v, want one of type %q", err, errorType)
	} else if e != nil && (e.Type != errorType || !strings.Contains(e.Message, message)) {
		t.Errorf("got %s: %s, want %s: %s", e.Type, e.Message, errorType, message)
	}
}
