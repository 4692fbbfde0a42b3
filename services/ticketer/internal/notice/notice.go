// Package notice writes what tickets say about themselves and not about a device: why one was opened again or taken
// over. It is pure. What is wrong with a device is package text's.
package notice

import (
	"fmt"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Preface is the paragraph that a note begins with when the ticket came back to us; detail is a further sentence.
func Preface(p ticketv1.Preface, detail string) string {
	var first string
	switch p {
	case ticketv1.Preface_PREFACE_REOPENED:
		first = "Covewise opened this ticket again: the device is in trouble."
	case ticketv1.Preface_PREFACE_ADOPTED:
		first = "Covewise has taken this ticket over. It adds notes when the picture changes, and closes the ticket when the device is well again."
	case ticketv1.Preface_PREFACE_UNSPECIFIED:
		return ""
	}
	if detail != "" {
		first += " " + detail
	}
	return first
}

// Marker is the last line of a note with a preface: that of the revision (see package text), and which one it is.
func Marker(revision string, prefaces uint32) string {
	return fmt.Sprintf("%s back %d", revision, prefaces)
}
