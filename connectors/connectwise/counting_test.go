package connectwise

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheTimeOfAnAnswerIsTheServers(t *testing.T) {
	for sentence, c := range map[string]struct {
		header []string
		want   time.Time
	}{
		"as the answer says":              {[]string{"Sun, 22 Nov 2026 09:30:05 GMT"}, time.Date(2026, 11, 22, 9, 30, 5, 0, time.UTC)},
		"unknown when it says nothing":    {nil, time.Time{}},
		"unknown when it says no time":    {[]string{"yesterday"}, time.Time{}},
		"unknown when it says it in vain": {[]string{""}, time.Time{}},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := newStub(t, func(w http.ResponseWriter, r *http.Request, n int) {
				w.Header()["Date"] = c.header
				always(200, ticketJSON(7))(w, r, n)
			})
			client, _ := s.client(t)
			at := time.Unix(1, 0)
			_, err := client.Ticket(Dating(t.Context(), &at), 7)
			require.NoError(t, err)
			require.Equal(t, c.want, at)
		})
	}
}
