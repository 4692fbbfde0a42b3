package cwfake_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestDefaultSeed(t *testing.T) {
	require.NoError(t, cwfake.New(cwfake.Options{}).Load(cwfake.DefaultSeed()))
}

func TestConcurrentWritersGetTicketsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	const writers, each = 8, 15
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for i := range each {
				body := fmt.Sprintf(`{"summary":"a","company":{"id":250},"externalXRef":"%d:%d"}`, writer, i)
				created, err := w.try("POST", "/service/tickets", body)
				if err != nil || created.status != http.StatusCreated {
					t.Errorf("creating: %v %s", err, created.text)
					return
				}
				if _, err := w.try("GET", "/service/tickets?orderBy=id%20desc", nil); err != nil {
					t.Errorf("listing: %v", err)
				}
				w.server.Tickets()
				if err := w.server.Person("").Close(48211, ""); err != nil {
					t.Errorf("closing: %v", err)
				}
			}
		})
	}
	group.Wait()
	require.Len(t, w.server.Tickets(), writers*each)
	require.Empty(t, w.server.Duplicates())
	require.Equal(t, writers*each, w.server.Writes())
}

// BenchmarkServer measures single requests against 10,000 companies and 10,000 tickets.
func BenchmarkServer(b *testing.B) {
	server := cwfake.New(cwfake.Options{})
	person := server.Person("")
	for i := range 10_000 {
		if _, err := server.AddCompany(cwfake.Company{Identifier: fmt.Sprintf("company%d", i), Name: fmt.Sprintf("Company %d", i)}); err != nil {
			b.Fatal(err)
		}
		if _, err := person.CreateTicket(cwfake.NewTicket{
			Summary: fmt.Sprintf("COVE SVR S%d #%d - failed", i, i), CompanyIdentifier: "company0", ExternalXRef: fmt.Sprintf("x:%d", i),
		}); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct{ name, method, path, body string }{
		{"ticket by reference", "GET", "/service/tickets?conditions=externalXRef%3D%22x%3A9999%22", ""},
		{"ticket by id", "GET", "/service/tickets/50000", ""},
		{"page of 1000 companies", "GET", "/company/companies?pageSize=1000&page=5&fields=id,identifier,name", ""},
		{"tickets changed", "GET", "/service/tickets?pageSize=1000&orderBy=lastUpdated%20desc&conditions=board%2Fname%3D%22service%20desk%22", ""},
		{"create", "POST", "/service/tickets", `{"summary":"a","company":{"identifier":"company9999"},"status":{"name":"New"}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				request := httptest.NewRequest(c.method, "/v2025_1/apis/3.0"+c.path, strings.NewReader(c.body))
				request.SetBasicAuth(cwfake.DefaultCompany+"+"+cwfake.DefaultPublicKey, cwfake.DefaultPrivateKey)
				request.Header.Set("Clientid", cwfake.DefaultClientID)
				request.Header.Set("Content-Type", "application/json")
				recorder := httptest.NewRecorder()
				server.ServeHTTP(recorder, request)
				if recorder.Code >= 300 {
					b.Fatal(recorder.Body.String())
				}
			}
		})
	}
}
