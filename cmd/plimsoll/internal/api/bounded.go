package api

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// length is a bound on a list, as a type.
type length interface{ most() int }

// bounded is a list with a largest length. Reading a longer one fails at that length,
// because the elements of a body such as {},{},… take many times its size in memory.
type bounded[T any, L length] []T

// tooManyError is the error of a list that is too long.
type tooManyError struct{ most int }

func (e *tooManyError) Error() string { return fmt.Sprintf("at most %d", e.most) }

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (b *bounded[T, L]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var bound L
	if dec.PeekKind() != '[' {
		return json.UnmarshalDecode(dec, (*[]T)(b)) // returns an error for a value that is no list
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if dec.PeekKind() == 0 { // no JSON from here on
			_, err := dec.ReadToken()
			return err
		}
		if len(*b) == bound.most() {
			return &tooManyError{bound.most()}
		}
		var one T
		*b = append(*b, one)
		if err := json.UnmarshalDecode(dec, &(*b)[len(*b)-1]); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// texts is a map of texts with a bound of maxHeaders.
type texts map[string]string

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (t *texts) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return json.UnmarshalDecode(dec, (*map[string]string)(t))
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	*t = texts{}
	for dec.PeekKind() == '"' {
		if len(*t) == maxHeaders {
			return &tooManyError{maxHeaders}
		}
		var name, value string
		if err := json.UnmarshalDecode(dec, &name); err != nil {
			return err
		}
		if err := json.UnmarshalDecode(dec, &value); err != nil {
			return err
		}
		(*t)[name] = value
	}
	_, err := dec.ReadToken()
	return err
}
