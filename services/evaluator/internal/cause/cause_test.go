package cause_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/services/evaluator/internal/cause"
)

func TestTextsOfOneCauseAreEqual(t *testing.T) {
	for sentence, texts := range map[string][]string{
		"a file of a user": {
			`Cannot read file C:\Users\bob\a.docx: sharing violation`, `Cannot read file C:\Users\bob\report.xlsx: sharing violation`,
			`cannot read file D:\Users\Ann Smith\x.pst: sharing violation`,
		},
		"a file on a share":    {`Cannot read \\nas\data\a.txt: timeout`, `Cannot read \\nas2\my data\b.txt: timeout`},
		"a file of a Unix":     {"open /var/lib/a.db: permission denied", "open /home/x/y: permission denied"},
		"a mailbox":            {"Mailbox anna@acme.example not found", "Mailbox bert@acme.example not found"},
		"an id":                {"Request 8f3a failed", "Request bc1d failed", "Request e77f failed"},
		"a GUID":               {"Item 7f1e9c52-11aa-4b5c-9d01-0123456789ab is locked", "Item {aa1e9c52-11aa-4b5c-9d01-0123456789ab} is locked"},
		"a count and a time":   {"62 items skipped at 12:01:07", "7 items skipped at 03:44:59"},
		"an address of a host": {"Connection to 10.0.0.7:443 lost", "Connection to node-1.backup.example lost"},
	} {
		for _, other := range texts[1:] {
			require.Equal(t, cause.Text(texts[0]), cause.Text(other), sentence)
		}
	}
	require.Equal(t, cause.Text("SRV-1 cannot log on", "srv-1"), cause.Text("dc-22 cannot log on", "dc-22", "other"), "the device's own name")
	require.Equal(t, cause.Run("Folder 'Invoices' is gone"), cause.Run(`Folder "My documents" is gone`), "what is quoted")
}

func TestTextsOfDifferentCausesDiffer(t *testing.T) {
	for sentence, texts := range map[string][2]string{
		"a code in hexadecimal":           {"VSS error 0x800423F4", "VSS error 0x80042306"},
		"a code in decimal":               {"Setup ended with error 1603", "Setup ended with error 1618"},
		"a status":                        {"HTTP 404 from the service", "HTTP 503 from the service"},
		"what follows a path":             {`C:\a.docx is locked`, `C:\a.docx is damaged`},
		"between devices what is quoted":  {"Service 'VSS' does not run", "Service 'SQLWriter' does not run"},
		"a word of letters that ids have": {"The face is missing", "The bead is missing"},
	} {
		require.NotEqual(t, cause.Text(texts[0]), cause.Text(texts[1]), sentence)
	}
	require.Len(t, []rune(cause.Text(string(make([]rune, 1000)))), 300, "a text has a limit")
}
