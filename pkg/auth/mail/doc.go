// Package mail defines the messages that edgeauth sends to people, renders them and sends them.
//
// A flow makes a [Message], the endpoint hands it to a queue, and a separate function sends it
// later, so that the time of an answer does not tell whether a mail is sent:
//
//	event, err := message.Event()          // in the function that answers
//	message, err := mail.ParseEvent(event) // in the function that sends
//
// [Local] is the queue for a program that sends its mails itself.
package mail
