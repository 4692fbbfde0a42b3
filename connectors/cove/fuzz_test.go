package cove

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/columns"
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
		var page Page
		var shape error
		dec := json.NewDecoder(strings.NewReader(string(body)))
		dec.UseNumber()
		_, err := readEnvelope(dec, func(dec *json.Decoder) error {
			var err error
			page, shape, err = readStatistics(dec, 1000)
			return err
		})
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
		var outer json.RawMessage
		got, err := readEnvelope(json.NewDecoder(strings.NewReader(string(body))), readAll(&outer))
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
