package cwfake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

// receiver takes callbacks and answers them as a test says.
type receiver struct {
	url    string
	got    []*http.Request
	bodies []map[string]any
	raw    [][]byte
	answer int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{answer: http.StatusNoContent}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		raw, _ := io.ReadAll(request.Body)
		var body map[string]any
		_ = json.Unmarshal(raw, &body)
		r.got, r.bodies, r.raw = append(r.got, request), append(r.bodies, body), append(r.raw, raw)
		w.WriteHeader(r.answer)
	}))
	t.Cleanup(web.Close)
	r.url = web.URL + "/hook/token?recordId="
	return r
}

func (w *world) entry(url string, more map[string]any) int {
	w.t.Helper()
	body := map[string]any{"url": url, "objectId": 0, "type": "ticket", "level": "owner", "description": "ours"}
	maps.Copy(body, more)
	made := w.want(http.StatusCreated, http.MethodPost, "/system/callbacks", body).object(w.t)
	id, _ := made["id"].(float64)
	return int(id)
}

func TestCallbackEntriesAreJudged(t *testing.T) {
	w := newWorld(t)
	id := w.entry("https://h.example/cb?recordId=", nil)
	kept := w.want(200, "GET", path("/system/callbacks/%d", id), nil).object(t)
	require.EqualValues(t, 1, kept["objectId"], "0 becomes 1")
	require.Equal(t, "3.0.0", kept["payloadVersion"])
	for name, c := range map[string]struct {
		change      map[string]any
		field, text string
	}{
		"not an address":  {map[string]any{"url": "nowhere"}, "url", "Invalid URL"},
		"a foreign level": {map[string]any{"url": "https://h.example/x", "level": "territory"}, "level", "Unrecognized level for type, see documentation for supported levels for each type"},
		"the same again":  {nil, "objectId", "A matching callback entry already exists"},
	} {
		t.Run(name, func(t *testing.T) {
			body := map[string]any{"url": "https://h.example/cb?recordId=", "objectId": 1, "type": "ticket", "level": "owner"}
			maps.Copy(body, c.change)
			refused := w.want(400, "POST", "/system/callbacks", body).object(t)
			errors, ok := refused["errors"].([]any)
			require.True(t, ok)
			first, ok := errors[0].(map[string]any)
			require.True(t, ok)
			require.Equal(t, []any{c.field, c.text}, []any{first["field"], first["message"]})
		})
	}
	w.want(204, "DELETE", path("/system/callbacks/%d", id), nil)
	require.Empty(t, w.want(200, "GET", "/system/callbacks", nil).list(t))
}

func TestCallbacksAreSignedAndTellEveryChangeOnce(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	early := w.ticket("before there was an entry")
	entry := w.entry(r.url, nil)
	id := w.ticket("new")
	require.NoError(t, w.server.Person("").Close(id, ""))
	require.NoError(t, w.server.Person("").Delete(early))
	sent, err := w.server.Deliver(t.Context(), cwfake.CallbackFaults{})
	require.NoError(t, err)
	require.Len(t, sent, 3)
	actions := []any{}
	for i, body := range r.bodies {
		actions = append(actions, body["Action"], body["ID"])
		require.Equal(t, []int{204}, sent[i].Statuses)
		require.Equal(t, entry, sent[i].Entry)
	}
	require.Equal(t, []any{"added", float64(id), "updated", float64(id), "deleted", float64(early)}, actions)
	require.Equal(t, "recordId="+path("%d", id)+"&action=added", r.got[0].URL.RawQuery)
	require.Nil(t, r.bodies[2]["Entity"])
	entity, ok := r.bodies[0]["Entity"].(string)
	require.True(t, ok)
	require.Contains(t, entity, `"summary":"new"`)

	metadata, ok := r.bodies[0]["Metadata"].(map[string]any)
	require.True(t, ok)
	keyURL, ok := metadata["key_url"].(string)
	require.True(t, ok)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, keyURL, nil)
	require.NoError(t, err)
	answer, err := w.client.Do(request)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var told struct {
		Key string `json:"signing_key"`
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&told))
	key := sha256.Sum256([]byte(told.Key))
	mac := hmac.New(sha256.New, key[:])
	mac.Write(r.raw[0])
	require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), r.got[0].Header.Get("X-Content-Signature"))

	sent, err = w.server.Deliver(t.Context(), cwfake.CallbackFaults{})
	require.NoError(t, err)
	require.Empty(t, sent)
}

func TestDeliveriesAreRetriedSpoiledAndGivenUp(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	entry := w.entry(r.url, map[string]any{"isSelfSuppressedFlag": true})
	id := w.ticket("our own change is not told")
	deliver := func(f cwfake.CallbackFaults) []cwfake.Delivery {
		var sent []cwfake.Delivery
		done := make(chan error, 1)
		go func() {
			var err error
			sent, err = w.server.Deliver(t.Context(), f)
			done <- err
		}()
		for {
			select {
			case err := <-done:
				require.NoError(t, err)
				return sent
			case <-time.After(time.Millisecond):
				w.clock.Add(time.Second)
			}
		}
	}
	require.Empty(t, deliver(cwfake.CallbackFaults{}))
	summary := "a"
	edit := func() {
		summary += "a"
		require.NoError(t, w.server.Person("").Edit(id, cwfake.Edit{Summary: summary}))
	}
	edit()
	r.answer = 429
	require.Equal(t, []int{429, 429, 429}, deliver(cwfake.CallbackFaults{})[0].Statuses)
	r.answer = 500
	edit()
	edit()
	sent := deliver(cwfake.CallbackFaults{Duplicate: true, Reverse: true, WrongSignature: true})
	require.Len(t, sent, 4)
	require.Equal(t, sent[0].Body, sent[1].Body)
	require.Greater(t, messageID(t, sent[0]), messageID(t, sent[2]), "the newest first")
	require.Equal(t, []int{500}, sent[0].Statuses)
	for range 2 {
		w.clock.Add(24 * time.Hour)
		edit()
		deliver(cwfake.CallbackFaults{})
	}
	require.Equal(t, true, w.want(200, "GET", path("/system/callbacks/%d", entry), nil).object(t)["inactiveFlag"])
	edit()
	require.Empty(t, deliver(cwfake.CallbackFaults{}))
}

func messageID(t *testing.T, d cwfake.Delivery) string {
	t.Helper()
	var body struct {
		MessageID string `json:"MessageId"`
	}
	require.NoError(t, json.Unmarshal(d.Body, &body))
	return body.MessageID
}

func TestCallbacksAreDeliveredByTheControlAPI(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	entry := w.entry(r.url, nil)
	require.JSONEq(t, `[]`, w.want(200, "POST", "/control/callbacks", `{}`).text)
	id := w.ticket("a")
	w.want(204, "POST", "/control/people/close", path(`{"ticket":%d}`, id))
	sent := w.want(200, "POST", "/control/callbacks", `{"wrongSignature":true}`).list(t)
	require.Len(t, sent, len(r.got))
	require.Equal(t, map[string]any{
		"entry": float64(entry), "action": "updated", "ticket": float64(id), "url": r.url + path("%d", id) + "&action=updated", "statuses": []any{204.0},
	}, sent[len(sent)-1])
	require.Contains(t, w.want(400, "POST", "/control/callbacks", `{"wrong":true}`).text, `unknown field`)
}
