package tenant

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/covewise/covewise/platform/errclass"
)

// masked is what every way of printing a Secret shows.
const masked = "[secret]"

// Secret is a text that prints as "[secret]" through fmt, slog, JSON and YAML. The zero value is empty.
// It points to the text because fmt reads unexported fields of a struct past their String methods.
type Secret struct{ text *string }

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the text, to be handed to the client that needs it and to nothing else.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns the mask.
func (s Secret) String() string { return masked }

// Format writes the mask, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue returns the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText returns the mask; encoding/json and yaml use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// SecretRef says where a secret is kept: in File or in Env, not in both. The zero value refers to nothing.
type SecretRef struct {
	Field string // the setting it belongs to, such as "cove.password"; used in errors
	File  string // absolute path of a file that holds the secret alone
	Env   string // name of an environment variable
}

// String returns the reference, such as "file /etc/covewise/cove.secret" or "environment variable CW_KEY".
func (s SecretRef) String() string {
	switch {
	case s.File != "":
		return "file " + s.File
	case s.Env != "":
		return "environment variable " + s.Env
	default:
		return "no secret"
	}
}

// LogValue returns the reference.
func (s SecretRef) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Resolve reads the secret as it is now, so that a replaced file is taken up without a restart. White
// space around it is dropped. Errors have class AuthTenant and name the setting and the place.
func (s SecretRef) Resolve(lookupEnv func(name string) (value string, set bool)) (Secret, error) {
	var value, complaint string
	switch {
	case s.File != "":
		value, complaint = readSecretFile(s.File)
	case s.Env != "":
		value, complaint = readSecretEnv(s.Env, lookupEnv)
	default:
		complaint = "is referred to; name a file or an environment variable"
	}
	if complaint != "" {
		return Secret{}, errclass.New(errclass.AuthTenant, "read secret "+s.Field, errors.New(s.String()+" "+complaint))
	}
	return NewSecret(value), nil
}

// secretFile parses a path relative to the document and tries the file, without keeping what it holds.
func secretFile(dst *SecretRef) parser {
	return func(r *reader, at place, n *yaml.Node) {
		var path string
		problems := len(r.problems)
		text(&path)(r, at, n)
		if len(r.problems) > problems {
			return
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(r.dir, path)
		}
		if _, complaint := readSecretFile(path); complaint != "" && !r.withoutSecrets {
			r.report(at, "file %s %s", printable(path), complaint)
			return
		}
		*dst = SecretRef{Field: strings.TrimSuffix(at.key, "File"), File: path}
	}
}

// secretEnv parses the name of an environment variable and looks whether it holds a secret.
func secretEnv(dst *SecretRef) parser {
	return func(r *reader, at place, n *yaml.Node) {
		var name string
		problems := len(r.problems)
		text(&name, envName)(r, at, n)
		if len(r.problems) > problems {
			return
		}
		if _, complaint := readSecretEnv(name, r.lookupEnv); complaint != "" && !r.withoutSecrets {
			r.report(at, "environment variable %s %s", name, complaint)
			return
		}
		*dst = SecretRef{Field: strings.TrimSuffix(at.key, "Env"), Env: name}
	}
}

var envPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// envName does not repeat the value: it may be the secret itself, put under the wrong key.
func envName(s string) string {
	if envPattern.MatchString(s) {
		return ""
	}
	return "is not the name of an environment variable; write a name such as COVE_PASSWORD"
}

// longestSecret is far above any password or key; a larger file is a mistake.
const longestSecret = 64 << 10

func readSecretFile(path string) (value, complaint string) {
	// Asked before opening, because opening a named pipe waits for its writer.
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "does not exist; create it with nothing but the secret in it"
	case err != nil:
		return "", fmt.Sprintf("cannot be read (%v); check the path and its permissions", cause(err))
	case info.IsDir():
		return "", "is a directory; name a file in it"
	case !info.Mode().IsRegular():
		return "", "is not a regular file; secrets are read again when they are used, so keep them in a file"
	case info.Size() > longestSecret:
		return "", "is larger than 64 KiB; name the file that holds nothing but the secret"
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Sprintf("cannot be read (%v); let the user that runs covewise read it", cause(err))
	}
	return trimSecret(string(content))
}

func readSecretEnv(name string, lookupEnv func(string) (string, bool)) (value, complaint string) {
	set := false
	if lookupEnv != nil {
		value, set = lookupEnv(name)
	}
	if !set {
		return "", "is not set; set it to the secret, or keep the secret in a file"
	}
	return trimSecret(value)
}

func trimSecret(s string) (value, complaint string) {
	const byteOrderMark = "\ufeff" // some editors begin UTF-8 files with it
	value = strings.TrimSpace(strings.TrimPrefix(s, byteOrderMark))
	switch {
	case value == "":
		return "", "is empty; put the secret in it"
	case !utf8.ValidString(value) || strings.Contains(value, "\x00"):
		return "", "is not UTF-8 text; save it as UTF-8"
	case strings.ContainsFunc(value, unicode.IsSpace) || strings.ContainsFunc(value, unicode.IsControl):
		return "", "holds white space or control characters inside the secret; put the secret alone in it, on one line"
	}
	return value, ""
}
