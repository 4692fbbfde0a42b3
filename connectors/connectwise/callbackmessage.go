package connectwise

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// CallbackMessage is what the server posts when a record changes. Until its signature is verified nothing in it can be
// believed; it is a hint even then, because order and exactly-once are not promised [inferred].
type CallbackMessage struct {
	MessageID string `json:"MessageId"` // a GUID
	CompanyID string `json:"CompanyId"` // the login company
	Action    string `json:"Action"`    // added, updated or deleted
	Type      string `json:"Type"`      // such as "ticket"
	ID        int64  `json:"ID"`        // of the record
	Metadata  struct {
		KeyURL string `json:"key_url"` // where the key of the signature is
	} `json:"Metadata"`
}

// ParseCallback reads a message and refuses one that lacks what acting on it needs.
func ParseCallback(body []byte) (CallbackMessage, error) {
	var m CallbackMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return m, errors.New("it is no JSON object of a callback")
	}
	switch {
	case m.MessageID == "" || len(m.MessageID) > 100:
		return m, errors.New("MessageId: missing or too long")
	case m.ID <= 0:
		return m, errors.New("ID: not the id of a record")
	case m.Metadata.KeyURL == "" || len(m.Metadata.KeyURL) > longestAddress:
		return m, errors.New("Metadata.key_url: missing or too long")
	}
	return m, nil
}

// CheckCallbackKeyURL says why an address out of an unverified message must not be asked for the key of a tenant whose
// site and company these are. A key is only at the tenant's own server; at the cloud, where companies share a host, it
// must also be the key of the tenant's company.
func CheckCallbackKeyURL(siteURL, company, keyURL string) error {
	own, err := parseSite(siteURL)
	if err != nil {
		return err
	}
	u, err := url.Parse(keyURL)
	if err != nil || u.User != nil || u.Fragment != "" || u.Host == "" {
		return errors.New("key_url: not a plain address")
	}
	address := u.Scheme + "://" + strings.ToLower(u.Host)
	if !strings.EqualFold(address, own.login) && !strings.EqualFold(address, own.api) {
		return errors.New("key_url: not at the tenant's own server")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("key_url: not a plain query")
	}
	// Which of several the server would take is not known.
	if names := query["companyName"]; len(names) != 1 || !strings.EqualFold(names[0], company) {
		return errors.New("key_url: not of the tenant's company")
	}
	for name := range query {
		if name != "companyName" && strings.EqualFold(name, "companyName") {
			return errors.New("key_url: not of the tenant's company")
		}
	}
	return nil
}

// largestKey is far above any answer that holds a key.
const largestKey = 16 << 10

// FetchCallbackKey reads the signing key at an address that CheckCallbackKeyURL has passed. It follows no redirect; the
// context bounds its time.
func FetchCallbackKey(ctx context.Context, transport http.RoundTripper, keyURL string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, keyURL, nil)
	if err != nil {
		return "", errors.New("fetching the callback key: not an address")
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("fetching the callback key: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, largestKey+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("fetching the callback key: %w", err)
	case answer.StatusCode != http.StatusOK:
		return "", fmt.Errorf("fetching the callback key: HTTP %d", answer.StatusCode)
	case len(body) > largestKey:
		return "", errors.New("fetching the callback key: the answer exceeds 16 KiB")
	}
	var told struct {
		SigningKey string `json:"signing_key"`
	}
	if err := json.Unmarshal(body, &told); err != nil || told.SigningKey == "" { // sent as text/html [client]
		return "", errors.New("fetching the callback key: the answer holds no signing_key")
	}
	return told.SigningKey, nil
}

// VerifyCallback reports whether the x-content-signature of a raw body was made with a signing key: the Base64 of the
// body's HMAC-SHA256 under the SHA-256 of the key's text [documentation].
func VerifyCallback(signingKey string, body []byte, signature string) bool {
	given, err := base64.StdEncoding.DecodeString(strings.TrimSpace(signature))
	if err != nil {
		return false
	}
	key := sha256.Sum256([]byte(signingKey))
	mac := hmac.New(sha256.New, key[:])
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}
