// Package mail holds the messages that edgeauth sends to people.
//
// A flow makes a [Message], the endpoint hands it to a queue, and a function of its own sends it later,
// so that the time of an answer does not tell whether a mail leaves:
//
//	event, err := message.Event()        // in the function that answers
//	message, err := mail.ParseEvent(event) // in the function that sends
//
// [Local] is the queue of a program that sends its mails itself.
package mail
