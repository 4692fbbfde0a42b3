package cove

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/covewise/covewise/platform/errclass"
)

const (
	maxAnswer     = 64 << 20 // bytes of an answer of the management and reporting services
	maxNodeAnswer = 8 << 20  // bytes of an answer of a storage node
	headSize      = 4 << 10  // bytes of an answer kept to describe it when it is not understood
)

// place says which service a request goes to, and by that how it is authorised.
type place uint8

const (
	placeManagement place = iota // the visa is a member of the body
	placeReporting               // the visa is a bearer token
	placeNode                    // the parameters carry the device's token; there is no visa
)

// request is one call before it is sent.
type request struct {
	method  string
	params  any
	place   place
	url     string
	once    bool       // must not be sent twice
	secrets []Secret   // what the parameters hold, to be masked wherever it comes back
	date    *time.Time // gets the clock of the server as the answer shows it; nil when nobody wants it
}

type wireRequest struct {
	JSONRPC string `json:"jsonrpc"`
	ID      string `json:"id"`
	Visa    string `json:"visa,omitempty"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

// resultReader reads the value of an answer's outer result member. It may be called once for each time the
// request is sent, and starts anew each time.
type resultReader func(*jsontext.Decoder) error

// call sends a request under the current visa. A refused visa leads to exactly one new login and one repetition.
func (c *Client) call(ctx context.Context, rq request, read resultReader) error {
	held, err := c.currentVisa(ctx)
	if err != nil {
		return err
	}
	refused, err := c.exchange(ctx, rq, held, read)
	if !refused {
		return err
	}
	c.log.InfoContext(ctx, "cove visa refused, logging in again", "method", rq.method)
	if held, err = c.renewVisa(ctx, held.login); err != nil {
		return err
	}
	_, err = c.exchange(ctx, rq, held, read)
	return err
}

// exchange sends a request once and adopts the visa of its answer. It reports whether the visa was refused;
// the error is classified either way.
func (c *Client) exchange(ctx context.Context, rq request, held heldVisa, read resultReader) (refused bool, err error) {
	sent := c.options.Clock.Now()
	answer, err := c.send(ctx, rq, held.visa, read)
	if rq.place != placeNode {
		// A node answers in the name of the device. Its visa has no place in the login's chain.
		c.visas.adopt(answer.visa, held.login, sent)
	}
	if err != nil {
		return answer.status == http.StatusUnauthorized && rq.place != placeNode, err
	}
	if answer.fault != nil {
		return answer.fault.Data == DataVisa && rq.place != placeNode, classifyRPC(rq.place, answer.fault)
	}
	return false, nil
}

// answer is what came back, apart from the result, which its reader keeps.
type answer struct {
	status int
	visa   Secret
	fault  *RPCError
}

// send posts a request and reads its answer. Everything but a well-formed answer is an error with a class.
func (c *Client) send(ctx context.Context, rq request, visa Secret, read resultReader) (answer, error) {
	secrets := append([]Secret{visa}, rq.secrets...)
	resp, err := c.post(ctx, rq, visa)
	if err != nil {
		return answer{}, classifyFault(rq, redactError(err, secrets...))
	}
	defer func() { _ = resp.Body.Close() }()

	if rq.date != nil {
		*rq.date, _ = http.ParseTime(resp.Header.Get("Date")) // an answer without a date leaves zero
	}
	head := &headBuffer{}
	limit := int64(maxAnswer)
	if rq.place == placeNode {
		limit = maxNodeAnswer
	}
	body := io.TeeReader(http.MaxBytesReader(nil, resp.Body, limit), head)
	if resp.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, io.LimitReader(body, headSize))
		came := describe(resp, head.Bytes(), secrets)
		return answer{status: resp.StatusCode}, classifyStatus(rq, resp, retryPolicy{now: c.options.Clock.Now}, came)
	}

	wire, err := readEnvelope(body, read)
	got := answer{status: resp.StatusCode, visa: NewSecret(wire.visa)}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return got, errclass.Newf(errclass.Rejected, "reading Cove's answer", "%s: it is larger than %d MiB", rq.method, limit>>20)
	case err != nil:
		text := redact(err.Error(), secrets...)
		return got, errclass.New(errclass.Transient, "reading Cove's answer", &redactedError{
			text: fmt.Sprintf("%s: %s; %s came", rq.method, text, describe(resp, head.Bytes(), secrets)), err: err,
		})
	case wire.fault != nil:
		got.fault = parseRPCError(rq.method, wire.fault, append(secrets, got.visa))
		return got, nil
	case !wire.hasResult:
		return got, errclass.Newf(errclass.Transient, "reading Cove's answer",
			"%s: it holds neither a result nor an error; %s came", rq.method, describe(resp, head.Bytes(), secrets))
	}
	return got, nil
}

func (c *Client) post(ctx context.Context, rq request, visa Secret) (*http.Response, error) {
	message := wireRequest{JSONRPC: "2.0", ID: strconv.FormatInt(c.ids.Add(1), 10), Method: rq.method, Params: rq.params}
	if rq.place == placeManagement {
		message.Visa = visa.Reveal()
	}
	body, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encoding the request: %w", err)
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, rq.url, body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Covewise")
	if rq.place == placeReporting {
		req.Header.Set("Authorization", "Bearer "+visa.Reveal())
	}
	client := c.repeat
	if rq.once {
		client = c.once
	}
	resp, err := client.Do(req)
	if err != nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		return nil, err
	}
	return resp, nil
}

// describe says what came: status, content type and the first characters of the body.
func describe(resp *http.Response, head []byte, secrets []Secret) string {
	kind := resp.Header.Get("Content-Type")
	if kind == "" {
		kind = "no content type"
	}
	kind = redact(cut(printable(kind), 60), secrets...)
	if len(bytes.TrimSpace(head)) == 0 {
		return fmt.Sprintf("HTTP %d, %s, an empty body", resp.StatusCode, kind)
	}
	return fmt.Sprintf("HTTP %d, %s, %q", resp.StatusCode, kind, snippet(head, secrets...))
}

// headBuffer keeps the first bytes that are written to it.
type headBuffer struct{ bytes.Buffer }

func (h *headBuffer) Write(p []byte) (int, error) {
	if room := headSize - h.Len(); room > 0 {
		_, _ = h.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// envelope is the outer object of an answer.
type envelope struct {
	visa      string
	fault     []byte // the error member, nil when absent or null
	hasResult bool
}

// readEnvelope walks the outer object, gives the result's value to read, and makes sure that nothing is
// missing at its end. The visa is returned even when a later part is malformed.
func readEnvelope(body io.Reader, read resultReader) (envelope, error) {
	// Cove is read as leniently as possible: a name that comes twice or is not proper UTF-8 must not cost a sweep.
	dec := jsontext.NewDecoder(body, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	wire, err := readMembers(dec, read)
	if err != nil {
		return wire, brokenOff(err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more follows after its end")
		}
		return wire, brokenOff(err)
	}
	return wire, nil
}

func readMembers(dec *jsontext.Decoder, read resultReader) (envelope, error) {
	var wire envelope
	if err := expect(dec, jsontext.KindBeginObject); err != nil {
		return wire, err
	}
	for dec.PeekKind() != jsontext.KindEndObject {
		name, err := memberName(dec)
		if err != nil {
			return wire, err
		}
		switch name {
		case "visa":
			raw, err := dec.ReadValue()
			if err != nil {
				return wire, fmt.Errorf("visa: %w", brokenOff(err))
			}
			wire.visa = rawText(raw)
		case "error":
			raw, err := dec.ReadValue()
			if err != nil {
				return wire, fmt.Errorf("error: %w", brokenOff(err))
			}
			wire.fault = nil
			if !isNull(raw) {
				wire.fault = bytes.Clone(raw)
			}
		case "result":
			wire.hasResult = true
			if err := read(dec); err != nil {
				return wire, fmt.Errorf("result: %w", brokenOff(err))
			}
		default:
			if err := dec.SkipValue(); err != nil {
				// The name is not repeated: it may be anything.
				return wire, fmt.Errorf("a further member: %w", brokenOff(err))
			}
		}
	}
	return wire, expect(dec, jsontext.KindEndObject)
}

// readAll reads the whole outer result into raw.
func readAll(raw *[]byte) resultReader {
	return func(dec *jsontext.Decoder) error {
		value, err := dec.ReadValue()
		*raw = bytes.Clone(value)
		return err
	}
}

// inner returns the method's return value: the result member of the outer result, or the outer result
// itself where a service answers flat. It is nil for null.
func inner(outer []byte) []byte {
	var nested struct {
		Result json.RawMessage `json:"result"`
	}
	if trimmed := bytes.TrimSpace(outer); len(trimmed) > 0 && trimmed[0] == '{' && json.Unmarshal(trimmed, &nested) == nil && nested.Result != nil {
		outer = nested.Result
	}
	if isNull(outer) {
		return nil
	}
	return outer
}

func isNull(raw []byte) bool {
	trimmed := bytes.TrimSpace(raw)
	return len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null"))
}

// expect reads one token, which must be of the kind.
func expect(dec *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != kind {
		return fmt.Errorf("%q is missing", string(kind))
	}
	return nil
}

// memberName reads the name of an object's next member, in lower case.
func memberName(dec *jsontext.Decoder) (string, error) {
	raw, err := dec.ReadValue()
	if err != nil {
		return "", err
	}
	return strings.ToLower(unquoted(raw)), nil
}

// unquoted returns the text of a JSON string that the decoder has accepted.
func unquoted(raw []byte) string {
	plain, _ := jsontext.AppendUnquote(nil, raw) // the error says that broken UTF-8 was replaced
	return string(plain)
}

// brokenOff reduces an error of the decoder to what is wrong. Where it is wrong is left out, because the decoder
// would quote the names of members, which may be anything.
func brokenOff(err error) error {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		err = syntax.Err
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
