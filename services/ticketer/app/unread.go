package app

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
)

// Unread are events on record that cannot be read. Who looks back leaves them out and tells: a stream keeps them for long,
// and what the ledgers have is right without them.
type Unread []string // subject and sequence of each, oldest first

// Decode reads an event, or puts it among those that cannot be read and returns false.
func (u *Unread) Decode(d bus.Delivery, into proto.Message) bool {
	if err := d.Decode(into); err != nil {
		*u = append(*u, fmt.Sprintf("%s (sequence %d)", d.Subject, d.Sequence))
		return false
	}
	return true
}

// mostUnread bounds the events that are named.
const mostUnread = 5

// String says how many there are and names the first; it is empty when there is none.
func (u Unread) String() string {
	named := strings.Join(u[:min(len(u), mostUnread)], ", ")
	switch {
	case len(u) == 0:
		return ""
	case len(u) == 1:
		return "1 event on record cannot be read and is left out here: " + named
	case len(u) > mostUnread:
		named += fmt.Sprintf(", and %d more", len(u)-mostUnread)
	}
	return fmt.Sprintf("%d events on record cannot be read and are left out here: %s", len(u), named)
}
