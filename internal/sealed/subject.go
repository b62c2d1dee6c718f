package sealed

import (
	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// isUUIDForm is the form byte of a UUID; any other value is a length.
const isUUIDForm = 0

// AppendSubject appends the form of a subject and the subject to b:
//
//	0       16 bytes of a UUID, mandatory for every canonical UUID in lower case
//	1 to 64 the length of an opaque subject in bytes
//
// Each subject has exactly one encoding. The error says why s is not a subject.
func AppendSubject(b []byte, s auth.SubjectID) ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if id, ok := asUUID(s); ok {
		return append(append(b, isUUIDForm), id[:]...), nil
	}
	return append(append(b, byte(len(s))), s...), nil
}

// ReadSubject returns the subject in the bytes that follow a form. ok is false unless the bytes are
// the subject's one encoding.
func ReadSubject(form byte, follows []byte) (auth.SubjectID, bool) {
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
