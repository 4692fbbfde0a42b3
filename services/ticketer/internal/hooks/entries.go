package hooks

import (
	"github.com/covewise/covewise/connectors/connectwise"
)

// comparison is what has to be done about the entries of a server.
type comparison struct {
	make bool
	mend int   // the id of the entry to be put right; 0: none
	drop []int // entries of ours that nobody needs
}

// wanted is our entry: every ticket of the server, because tickets move between boards.
func wanted(description, address string) connectwise.NewCallback {
	return connectwise.NewCallback{
		Description: description, URL: address, ObjectID: 1, Type: "ticket", Level: "owner", IsSelfSuppressedFlag: true,
	}
}

// compare says what has to be done so that, of all entries with our description or our address, one is left that is as
// wanted. Without a wanted address none is left.
func compare(there []connectwise.Callback, want connectwise.NewCallback) comparison {
	todo := comparison{make: want.URL != ""}
	for _, e := range there {
		if e.Description != want.Description && (want.URL == "" || e.URL != want.URL) {
			continue
		}
		fits := want.URL != "" && e.URL == want.URL && e.Type == want.Type && e.Level == want.Level && e.ObjectID == want.ObjectID
		if !fits || !todo.make {
			todo.drop = append(todo.drop, e.ID)
			continue
		}
		todo.make = false
		if e.InactiveFlag || !e.IsSelfSuppressedFlag || e.Description != want.Description {
			todo.mend = e.ID
		}
	}
	return todo
}
