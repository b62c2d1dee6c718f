// Package subjectform writes a subject into a token's bytes: the form, one byte, and what it says follows.
//
//	0       16 bytes of a UUID, mandatory for every canonical one in lower case
//	1 to 64 so many bytes of an opaque subject
//
// Each subject has one spelling. Refresh tokens, known-device tokens and change-of-password tokens hold it so.
package subjectform

import (
	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// isUUIDForm is the form byte of a UUID; any other value is a length.
const isUUIDForm = 0

// Append appends form and subject to b. It fails for what is no subject.
func Append(b []byte, s auth.SubjectID) ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if id, ok := asUUID(s); ok {
		return append(append(b, isUUIDForm), id[:]...), nil
	}
	return append(append(b, byte(len(s))), s...), nil
}

// Read returns the subject in the bytes that follow a form, and whether that is its one spelling.
func Read(form byte, follows []byte) (auth.SubjectID, bool) {
	if form == isUUIDForm {
		id, err := uuid.FromBytes(follows)
		return auth.SubjectID(id.String()), err == nil
	}
	s := auth.SubjectID(follows)
	if int(form) != len(s) || s.Validate() != nil {
		return "", false
	}
	_, otherForm := asUUID(s)
	return s, !otherForm
}

func asUUID(s auth.SubjectID) (uuid.UUID, bool) {
	id, err := uuid.Parse(string(s))
	return id, err == nil && id.String() == string(s)
}
