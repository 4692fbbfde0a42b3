package cove

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const masked = "[redacted]"

// Secret is a credential that does not print: formatting, logging and encoding show a mask. The zero
// value is the empty secret.
type Secret struct {
	// A pointer, because fmt prints unexported fields of a containing struct without asking Format.
	value *string
}

// NewSecret returns value as a Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal returns the credential itself, to be sent and nothing else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String returns a mask, or "" for the empty secret.
func (s Secret) String() string {
	if s.value == nil {
		return ""
	}
	return masked
}

// Format writes the mask whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue returns the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns the mask as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Patterns for secrets that the client has not met yet, such as the device token in an answer that breaks
// off. A value without its closing quote counts too.
var (
	secretMember = regexp.MustCompile(`(?i)(\\*"(?:visa|password|token|accounttoken|auth_token|authorization|qw|i3)\\*"\s*:\s*)(?:\\*"(?:[^"\\]|\\+[^"])*\\*"?|[^\s",}\]]+)`)
	secretPair   = regexp.MustCompile(`(?i)\b(bearer\s+|(?:visa|password|token|accounttoken|auth_token)\s*[=:]\s*)[^\s"'<>&;,]+`)
	visaText     = regexp.MustCompile(`\b[0-9]+-[0-9]+-[0-9]+-[0-9]{9,11}-[0-9A-Za-z]+`)
	uuidText     = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b`)
)

// redact masks the given secrets, in every form an answer may echo them, and whatever looks like one.
func redact(text string, secrets ...Secret) string {
	text = redactKnown(text, secrets...)
	text = secretMember.ReplaceAllString(text, `${1}"`+masked+`"`)
	text = secretPair.ReplaceAllString(text, "${1}"+masked)
	text = visaText.ReplaceAllString(text, masked)
	return uuidText.ReplaceAllString(text, masked)
}

// redactKnown masks the given secrets only. It is for texts that are data, where an id is no secret.
func redactKnown(text string, secrets ...Secret) string {
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			text = strings.ReplaceAll(text, form, masked)
		}
	}
	return text
}

// forms returns a secret as it may stand in an echo, encoded for up to two layers (such as a page inside a
// JSON string), longest first, because one form can be a part of another.
func forms(secret Secret) []string {
	plain := secret.Reveal()
	if plain == "" {
		return nil
	}
	encodings := []func(string) string{quoted, quotedLoosely, html.EscapeString, url.QueryEscape, url.PathEscape}
	known := map[string]bool{plain: true}
	for range 2 {
		for _, form := range slices.Collect(maps.Keys(known)) {
			for _, encode := range encodings {
				known[encode(form)] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(known), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
}

// quoted returns the inside of a JSON string as Go writes it.
func quoted(plain string) string {
	encoded, err := json.Marshal(plain)
	if err != nil {
		return plain
	}
	return string(encoded[1 : len(encoded)-1])
}

// quotedLoosely returns the inside of a JSON string as most others write it, with <, > and & as they are.
func quotedLoosely(plain string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(quoted(plain))
}

// snippet returns the first printable characters of a body, redacted, for an error text.
func snippet(body []byte, secrets ...Secret) string {
	const shown = 80
	text := redact(strings.ToValidUTF8(string(body), ""), secrets...)
	// The part of the body that was kept may end inside a secret.
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			text = dropPartial(text, form)
		}
	}
	text = strings.Join(strings.Fields(printable(text)), " ")
	if utf8.RuneCountInString(text) > shown {
		text = string([]rune(text)[:shown])
	}
	return text
}

func dropPartial(text, secret string) string {
	for n := min(len(secret), len(text)); n >= 4; n-- {
		if strings.HasSuffix(text, secret[:n]) {
			return text[:len(text)-n] + masked
		}
	}
	return text
}

// redactedError shows a redacted text. It can be asked what happened, but does not unwrap to the text that
// was redacted.
type redactedError struct {
	text string
	err  error
}

// Error returns the redacted text.
func (e *redactedError) Error() string { return e.text }

// Is reports whether what happened is target.
func (e *redactedError) Is(target error) bool { return errors.Is(e.err, target) }

// As finds an error of target's type in what happened.
func (e *redactedError) As(target any) bool { return errors.As(e.err, target) }

func redactError(err error, secrets ...Secret) error {
	return &redactedError{text: redact(err.Error(), secrets...), err: err}
}
