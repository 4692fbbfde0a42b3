package cove

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCleanMessageTakesTheTextOutOfItsWrapping(t *testing.T) {
	const mailbox = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
	const graph = `Graph API request failed: 404 (Not Found); Request: GET https://graph.example/v1.0/users; Request body size: 0; ReplyBodyError: `
	tests := []struct {
		why, raw string
		want     message
	}{
		{"a plain text stays", "Access denied", message{text: "Access denied"}},
		{"its inner spaces and braces too", `Cannot open  {4f2a}: "x" [y]`, message{text: `Cannot open  {4f2a}: "x" [y]`}},
		{"line ends become spaces", " one\r\n\ttwo\x00three ", message{text: "one two three"}},
		{
			"a JSON document with a wrapped Graph failure",
			`{"description":"` + `Graph API request failed: 404 (Not Found); Request: GET https://graph.example/v1.0/users; Request body size: 0; ReplyBodyError: { ErrorCode: \"MailboxNotEnabledForRESTAPI\", ErrorMessage: \"` + mailbox + `\" }","entity":"j.doe@bluefin.example","path":"/Inbox"}`,
			message{text: mailbox, code: "MailboxNotEnabledForRESTAPI", entity: "j.doe@bluefin.example", path: "/Inbox"},
		},
		{"the same outside a document", graph + `{ ErrorCode: "X", ErrorMessage: "` + mailbox + `" }`, message{text: mailbox, code: "X"}},
		{"with quoted member names", graph + `{"ErrorCode":"X","ErrorMessage":"say \"no\""}`, message{text: `say "no"`, code: "X"}},
		{"with an error object", graph + `{"error":{"code":"itemNotFound","message":"The resource could not be found."}}`, message{text: "The resource could not be found.", code: "itemNotFound"}},
		{"with a plain reply", graph + "Service unavailable", message{text: "Service unavailable"}},
		{"without a reply the failure itself is the text", graph + "{ }", message{text: "Graph API request failed: 404 (Not Found)"}},
		{"and so it is with a reply nobody can read", graph + "{ x", message{text: "Graph API request failed: 404 (Not Found)"}},
		{"an OAuth answer", `{"error":"invalid_grant","error_description":"AADSTS50034: The user does not exist.\r\nTrace ID: 1"}`, message{text: "AADSTS50034: The user does not exist. Trace ID: 1"}},
		{"an OAuth answer behind a prefix", `Token request failed: {"error":"invalid_grant","error_description":"AADSTS50034"}`, message{text: "AADSTS50034"}},
		{"an OAuth answer that breaks off", `{"error_description":"AADSTS50034: gone","x`, message{text: "AADSTS50034: gone"}},
		{"an error that is a text", `{"error":"disabled"}`, message{text: "disabled"}},
		{"a JSON string", `"\"wrapped\" text"`, message{text: `"wrapped" text`}},
		{"a list", `[{"message":""},{"message":"second"}]`, message{text: "second"}},
		{"a document in a document in a string", `{"description":"{\"message\":\"{\\\"error\\\":{\\\"message\\\":\\\"deep\\\"}}\"}"}`, message{text: "deep"}},
		{"a document that says nothing stays", `{"a":1}`, message{text: `{"a":1}`}},
		{"a document with an empty description names what it can", `{"description":"","entity":"x@y.example"}`, message{text: `{"description":"","entity":"x@y.example"}`, entity: "x@y.example"}},
		{"equal names in different letter cases are read in one order", `{"Message":"upper","message":"lower"}`, message{text: "upper"}},
		{"names and scripts of all kinds stay", "файл не найден: 株式会社 \u202bשלום\u202c", message{text: "файл не найден: 株式会社 \u202bשלום\u202c"}},
		{"broken encoding is dropped", "a\xffb", message{text: "ab"}},
		{"nothing", "", message{}},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			require.Equal(t, tt.want, cleanMessage(tt.raw))
		})
	}
}
