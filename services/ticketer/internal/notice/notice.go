// Package notice writes what tickets say about themselves and not about a device: why one was opened again or taken
// over. It is pure. What is wrong with a device is package text's.
package notice

import (
	"fmt"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Preface is the paragraph that a note begins with when the ticket came back to us. detail is a further sentence; with a
// ticket that was opened again it stands for the first, when it was not us who opened it.
func Preface(p ticketv1.Preface, detail string) string {
	var first string
	switch p {
	case ticketv1.Preface_PREFACE_REOPENED:
		if detail != "" {
			return detail
		}
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

// Elsewhere is the note in a ticket that people opened again although the device's trouble is followed in another.
func Elsewhere(device string, ticket int64) string {
	return fmt.Sprintf("This ticket was opened again, while Covewise follows the trouble of this device in ticket %d, where its news and the end are noted.\n"+
		"Covewise does not close what people open. Merge one of the two into the other, or close the one that is not wanted: if that is ticket %d "+
		"while this one is open, Covewise goes on here.\n%s", ticket, ticket, ElsewhereMarker(device, ticket))
}

// ElsewhereMarker is the last line of such a note, by which it is found again.
func ElsewhereMarker(device string, ticket int64) string {
	return fmt.Sprintf("Covewise %s in ticket %d", device, ticket)
}

// Marker is the last line of a note with a preface: that of the revision (see package text), and which one it is.
func Marker(revision string, prefaces uint32) string {
	return fmt.Sprintf("%s back %d", revision, prefaces)
}
