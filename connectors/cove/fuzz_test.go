package cove

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/platform/clock"
)

// FuzzStatistics feeds any body to the page decoder. What it accepts must be a complete JSON document whose
// rows all have an account id, and whose columns are canonical and no credentials.
func FuzzStatistics(f *testing.F) {
	for _, body := range []string{
		`{"visa":"v","result":{"result":[{"AccountId":1,"PartnerId":2,"Settings":[{"AN":"x"},{"F0":5},{"IP":["a","b"]},{"QW":"k"}]}],"totalStatistics":[{"SUM(US)":"1"}]}}`,
		`{"result":[{"AccountId":"1","Settings":{"D5F0":null}}]}`,
		`{"result":{"result":null}}`,
		`{"error":{"data":1701}}`,
		`{"result":{"result":[{"AccountId":1,"Settings":[{"A`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var page rawPage
		var shape error
		_, err := readEnvelope(bytes.NewReader(body), func(dec *jsontext.Decoder) error {
			var err error
			page, shape, err = readStatistics(dec, 1000)
			return err
		})
		wantPage, wantShape, wantErr := plainPage(body)
		require.Equal(t, wantErr == nil, err == nil, "%v, and not %v", wantErr, err)
		if err == nil {
			require.Equal(t, wantShape == nil, shape == nil, "%v, and not %v", wantShape, shape)
		}
		if err == nil && shape == nil {
			require.Equal(t, wantPage, page.Page)
		}
		if err != nil || shape != nil {
			return
		}
		require.True(t, json.Valid(body), "a sound page is a sound document")
		for _, row := range page.Rows {
			require.NotZero(t, row.AccountID)
			for code := range row.Columns {
				require.False(t, columns.IsSecret(code), code)
				require.Equal(t, code, columns.Canonical(code))
			}
		}
	})
}

// FuzzCleanMessage feeds any text to the message cleaner. What it returns must be one clean line, and no text
// may get lost.
func FuzzCleanMessage(f *testing.F) {
	for _, raw := range []string{
		"Access denied",
		`{"description":"Graph API request failed: 404; Request: GET x; ReplyBodyError: { ErrorCode: \"C\", ErrorMessage: \"M\" }","entity":"e","path":"/p"}`,
		`Token request failed: {"error":"invalid_grant","error_description":"AADSTS"}`,
		`ReplyBodyError: ReplyBodyError: {`,
		`"\"\\\"deep\\\"\""`,
		`[[[{"message":["a"]}]]]`,
		"a\xff\r\nb",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := cleanMessage(raw)
		require.Equal(t, got, cleanMessage(raw), "the same text gives the same message")
		if tidy(raw) != "" {
			require.NotEmpty(t, got.text)
		}
		for _, part := range []string{got.text, got.code, got.entity, got.path} {
			require.True(t, utf8.ValidString(part))
			require.Equal(t, strings.TrimSpace(part), part)
			require.False(t, strings.ContainsFunc(part, unicode.IsControl), "%q", part)
		}
	})
}

// FuzzEnvelope feeds any body to the reader of all other answers.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`{"id":"1","jsonrpc":"2.0","visa":"v","result":{"result":{"Id":1},"homeNodeInfo":null}}`))
	f.Add([]byte(`{"error":{"code":"-32603","data":"1701","message":["a",1]},"visa":7}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var outer []byte
		got, err := readEnvelope(bytes.NewReader(body), readAll(&outer))
		if err != nil {
			return
		}
		require.True(t, json.Valid(body))
		require.Equal(t, isNull(inner(outer)), (inner(outer) == nil), "null is nil")
		if got.fault != nil {
			rpc := parseRPCError("M", got.fault, nil)
			var found *RPCError
			require.ErrorAs(t, classifyRPC(placeManagement, rpc), &found)
			require.LessOrEqual(t, utf8.RuneCountInString(rpc.Message), 300)
		}
	})
}

// answering is a transport that answers every request after the login with one body, and remembers the visas that it was
// shown.
type answering struct {
	body  []byte
	visas []string
}

func (a *answering) RoundTrip(req *http.Request) (*http.Response, error) {
	var asked struct{ Method, Visa string }
	if err := json.NewDecoder(req.Body).Decode(&asked); err != nil {
		return nil, err
	}
	body := a.body
	if asked.Method == "Login" {
		body = []byte(`{"visa":"visa of a login","result":{"result":{"Id":1}}}`)
	} else {
		a.visas = append(a.visas, asked.Visa)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: req}, nil
}

// visaOf finds the visa of an answer with a decoder that knows nothing of the client's.
func visaOf(body []byte) string {
	var visa text
	dec := json.NewDecoder(bytes.NewReader(body))
	if _, err := dec.Token(); err != nil {
		return ""
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			break
		}
		if label, isName := name.(string); isName && strings.ToLower(label) == "visa" {
			visa = text(rawText(value))
		}
	}
	return string(visa)
}

// FuzzVisa feeds any body to a client that holds a visa. The next call must present the visa of the answer, where it
// has one, or else one of a login; nothing else may become a visa.
func FuzzVisa(f *testing.F) {
	for _, body := range []string{
		`{"visa":"1-2-0-1781000000-ab","result":{"result":{"Id":7}}}`,
		`{"result":{"result":{"Id":7}},"visa":"behind"}`,
		`{"visa":"of an error","error":{"code":-32603,"data":7,"message":"x"}}`,
		`{"visa":"refused","error":{"code":-32603,"data":1701,"message":"x"}}`,
		`{"visa":null,"result":{"result":{"Id":7}}}`, `{"visa":"","result":null}`, `{"visa":7,"result":{}}`, `{"visa":["a","b"]}`,
		`{"visa":{"a":1},"result":{}}`, "{\"visa\":{\"\xbd\":\"0\" }}", `{"visa":"first","visa":"second","result":{}}`, `{"VISA":"upper"}`, `{"result":{"visa":"inside"}}`,
		`{"visa":"broken off","result":{"result":{"Id`, `{"visa":"half`, `[{"visa":"x"}]`, `"visa"`, "{\"visa\":\"\xff\"}", "",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		server := &answering{body: body}
		client, err := New(Options{
			URL: "https://api.backup.management", Username: "u", Password: func() (string, error) { return "p", nil },
			Clock: clock.System(), RequestsPerSecond: math.Inf(1), Transport: server,
		})
		require.NoError(t, err)
		_, _ = client.Partner(t.Context(), 7)
		_, _ = client.Partner(t.Context(), 7)
		expected := visaOf(body)
		for i, visa := range server.visas {
			if visa != "visa of a login" {
				require.Positive(t, i)
				require.Equal(t, string([]rune(expected)), visa) // a request is JSON, which has no other bytes than UTF-8
			}
		}
	})
}
