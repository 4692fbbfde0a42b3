package tenant

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a tenant file.
type Problem struct {
	File string // as it was given to Load
	Line int    // 1-based; 1 where the problem has no line, such as a file that does not exist
	Key  string // dotted path such as "cove.passwordFile", or "document" for the document as a whole
	Text string // what is wrong, a semicolon, and the remedy; never a secret
}

// String returns "FILE:LINE: KEY: what is wrong; remedy" on one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Key, p.Text)
}

// Problems is the error of Load: everything that is wrong with a file, in the order of its lines.
type Problems []Problem //nolint:errname // it is a list that happens to be an error, and reads as one

// Error returns one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
