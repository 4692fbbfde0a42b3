package openapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheJudgeFindsWhatIsNotDescribed(t *testing.T) {
	doc := description(t)
	if doc == nil {
		return
	}
	fake := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"seven","colour":"red"}`)
	})
	j := newJudge(doc, fake)
	web := httptest.NewServer(j)
	t.Cleanup(web.Close)
	for _, path := range []string{"/service/tickets/7?colour=red", "/service/parties"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+apiBase+path, nil)
		require.NoError(t, err)
		answer, err := web.Client().Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, answer.Body.Close())
		require.NoError(t, err)
		require.JSONEq(t, `{"id":"seven","colour":"red"}`, string(body))
	}
	all := strings.Join(j.Faults(), "\n")
	require.Contains(t, all, "query parameter colour is not declared")
	require.Contains(t, all, "member /colour is not declared")
	require.Contains(t, all, `"type": "integer"`)
	require.Contains(t, all, "GET /service/parties: no such path")
}
