package cwfake_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock/clocktest"
)

func TestASavedServerComesBackAsItWas(t *testing.T) {
	w := newWorld(t)
	first := w.ticket("COVE SVR srv #1 - Failed", `"externalXRef":"covewise:a:b:1-1"`, `"initialDescription":"What is wrong"`)
	second, third := w.ticket("second"), w.ticket("third")
	require.NoError(t, w.server.Person("").AddNote(first, "looking into it", false))
	require.NoError(t, w.server.Person("").Close(second, "Closed"))
	require.NoError(t, w.server.Person("").Merge(third, first, ""))
	require.NoError(t, w.server.Person("").Delete(w.ticket("fourth")))

	var saved bytes.Buffer
	require.NoError(t, w.server.Save(&saved))
	restored := cwfake.New(cwfake.Options{Clock: clocktest.New(w.clock.Now())})
	require.NoError(t, restored.Restore(bytes.NewReader(saved.Bytes()), 0))
	require.Equal(t, w.server.Tickets(), restored.Tickets())
	require.Equal(t, w.server.Switches(), restored.Switches())
	var again bytes.Buffer
	require.NoError(t, restored.Save(&again))
	require.JSONEq(t, saved.String(), again.String())

	require.NoError(t, w.server.Restore(bytes.NewReader(saved.Bytes()), 100))
	require.Equal(t, first+3+1+100, w.ticket("a new one"), "ids that may have been given are not given again")
	require.Len(t, w.want(http.StatusOK, http.MethodGet, "/service/tickets", nil).list(t), 4)
}

func TestWhatSaveDidNotWriteIsNotRestored(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":             "{",
		"another version":     `{"version":2}`,
		"an unknown resource": `{"version":1,"switches":{"codeBase":"v/","patchIntoReference":"ignored"},"tables":{"dragons":{}}}`,
		"an id twice":         `{"version":1,"switches":{"codeBase":"v/","patchIntoReference":"ignored"},"tables":{"ticket":{"rows":[{"id":1},{"id":1}]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.ticket("stays")
			require.Error(t, w.server.Restore(strings.NewReader(text), 0))
			require.Equal(t, "stays", w.state(id).Summary)
		})
	}
}
