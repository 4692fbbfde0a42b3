package tenant

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"
)

// wholeDocument is the key of problems that belong to no single key.
const wholeDocument = "document"

// Options is what Load needs from its surroundings.
type Options struct {
	// LookupEnv answers whether an environment variable is set, and its value (os.LookupEnv in a main
	// package). Nil means that none is set.
	LookupEnv func(name string) (value string, set bool)
	// WithoutSecrets leaves secrets alone: they may be missing. Documents read so can be looked at, not run.
	WithoutSecrets bool
}

// Load reads the tenant documents in the file at path and checks them, the secrets they refer to
// included. Its error is always of type Problems, holds every problem found and never a secret; no
// document is returned then.
func Load(path string, opts Options) ([]Document, error) {
	r := &reader{file: path, lookupEnv: opts.LookupEnv, withoutSecrets: opts.WithoutSecrets}
	docs := r.load(path)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, r.problems
	}
	return docs, nil
}

func (r *reader) load(path string) []Document {
	top := place{key: wholeDocument, line: 1}
	absolute, err := filepath.Abs(path)
	if err != nil {
		r.report(top, "has no absolute path (%v); name it by its absolute path", err)
		return nil
	}
	r.dir = filepath.Dir(absolute)

	text, complaint := readDocumentFile(path)
	if complaint != "" {
		r.report(top, "%s", complaint)
		return nil
	}
	if line, complaint := unreadableText(text); complaint != "" {
		r.report(place{key: wholeDocument, line: line}, "%s", complaint)
		return nil
	}

	var docs []Document
	ids := map[string]int{} // id to the line that has it
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var node yaml.Node
		err := dec.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, complaint := syntaxComplaint(err, text)
			r.report(place{key: wholeDocument, line: line}, "%s", complaint)
			return nil
		}
		root := node.Content[0]
		if isNull(root) {
			continue // a "---" with nothing after it
		}
		docs = append(docs, r.document(root, ids))
	}
	if len(docs) == 0 {
		r.report(top, "holds no tenant document; write one, for example after the one in `covewise up --help`")
	}
	return docs
}

func (r *reader) document(root *yaml.Node, ids map[string]int) Document {
	doc := Defaults()
	group := documentGroup(&doc)
	r.group(place{line: root.Line}, root, group)

	line := keyLine(root, "id")
	if first, taken := ids[doc.ID]; taken {
		r.report(place{key: "id", line: line}, "%q is already the id of the document on line %d; give each tenant its own", doc.ID, first)
	} else if doc.ID != "" {
		ids[doc.ID] = line
	}
	return doc
}

// keyLine returns the line of a key of the mapping n, or that of n.
func keyLine(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i].Line
		}
	}
	return n.Line
}

func readDocumentFile(path string) (text []byte, complaint string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "does not exist; name an existing file, or write one after the example in `covewise up --help`"
	case err != nil:
		return nil, fmt.Sprintf("cannot be read (%v); check the path and its permissions", cause(err))
	case info.IsDir():
		return nil, "is a directory; name a file in it"
	}
	text, err = os.ReadFile(path)
	if err != nil {
		return nil, fmt.Sprintf("cannot be read (%v); let the user that runs covewise read it", cause(err))
	}
	return text, ""
}

// cause takes the path off an error of the file system, because the message around it names the file already.
func cause(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
