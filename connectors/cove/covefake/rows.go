package covefake

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// rowRecord is a device as filters, totals, sorting and answers see it.
type rowRecord struct {
	row
	switches *Switches
}

// value returns what a column, by its canonical code, answers.
func (r rowRecord) value(code string) (string, bool) {
	d := r.device
	stored, ok := d.Settings[code]
	switch code {
	case "I0":
		return strconv.FormatInt(d.AccountID, 10), true
	case "I83":
		return strconv.FormatInt(d.PartnerID, 10), true
	case "I8":
		if !ok {
			return r.partner.Name, true
		}
	case "I77":
		if !ok {
			return r.partner.ExternalCode, r.partner.ExternalCode != ""
		}
	case "I78":
		return styleI78(stored, r.switches.I78), ok
	case "AP":
		if !ok {
			l := letters(d.Settings["I78"])
			return l, l != ""
		}
	case "I6":
		if r.switches.TimestampIsLastSession {
			return r.lastSession()
		}
	case "I24":
		if n, err := strconv.Atoi(stored); r.switches.OffsetInMinutes && err == nil {
			return strconv.Itoa(60 * n), true
		}
	default:
		if ok && r.switches.ColourBarNewestFirst && strings.HasSuffix(code, "F08") {
			bar := []byte(stored)
			slices.Reverse(bar)
			return string(bar), true
		}
	}
	return stored, ok
}

// lastSession is the newest "last session time" of any data source.
func (r rowRecord) lastSession() (string, bool) {
	newest := int64(0)
	for code, text := range r.device.Settings {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && strings.HasSuffix(code, "F15") {
			newest = max(newest, n)
		}
	}
	return strconv.FormatInt(newest, 10), newest > 0
}

func (r rowRecord) values(f func(string) bool) bool {
	for _, code := range []string{"I0", "I8", "I77", "I83"} {
		if text, ok := r.value(code); ok && f(text) {
			return true
		}
	}
	for code := range r.device.Settings {
		if text, ok := r.value(code); ok && f(text) {
			return true
		}
	}
	return false
}

// requested is a column as it was asked for, and the code its values are stored under.
type requested struct {
	spelling, code string
	key            []byte // the spelling in JSON
	number, list   bool
}

// rowsEncoder writes a page, one row after the other, without building it in memory first.
type rowsEncoder struct {
	rows     []row
	columns  []requested
	switches Switches
}

func (e rowsEncoder) encode(b *bytes.Buffer) {
	if len(e.rows) == 0 && e.switches.NullForEmpty {
		b.WriteString("null")
		return
	}
	var buf []byte
	for i, r := range e.rows {
		buf = buf[:0]
		if i == 0 {
			buf = append(buf, '[')
		} else {
			buf = append(buf, ',')
		}
		buf = append(buf, `{"AccountId":`...)
		buf = strconv.AppendInt(buf, r.device.AccountID, 10)
		buf = append(buf, `,"PartnerId":`...)
		buf = strconv.AppendInt(buf, r.device.PartnerID, 10)
		buf = append(buf, `,"Flags":`...)
		if len(r.device.Flags) == 0 {
			buf = append(buf, "null"...)
		} else {
			flags, _ := json.Marshal(r.device.Flags) // texts always encode
			buf = append(buf, flags...)
		}
		buf = append(buf, `,"Settings":[`...)
		buf = e.appendSettings(buf, rowRecord{r, &e.switches})
		buf = append(buf, "]}"...)
		b.Write(buf)
	}
	if len(e.rows) == 0 {
		b.WriteByte('[')
	}
	b.WriteByte(']')
}

func (e rowsEncoder) appendSettings(buf []byte, r rowRecord) []byte {
	first := true
	for i := range e.columns {
		col := &e.columns[i]
		text, ok := r.value(col.code)
		if !ok && (e.switches.Missing == "" || e.switches.Missing == MissingAbsent) {
			continue
		}
		if !first {
			buf = append(buf, ',')
		}
		first = false
		buf = append(buf, '{')
		buf = append(buf, col.key...)
		buf = append(buf, ':')
		_, notNumber := strconv.ParseInt(text, 10, 64)
		switch {
		case !ok && e.switches.Missing == MissingNull:
			buf = append(buf, "null"...)
		case e.switches.NumericValues && col.number && notNumber == nil:
			buf = append(buf, text...)
		case e.switches.ListValues && col.list && ok:
			items, _ := json.Marshal(strings.Split(text, ";")) // texts always encode
			buf = append(buf, items...)
		default:
			buf = appendJSON(buf, text)
		}
		buf = append(buf, '}')
	}
	return buf
}

// appendJSON quotes a text. Almost all values are plain ASCII, which needs no encoder.
func appendJSON(buf []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			var b bytes.Buffer
			writeJSON(&b, s)
			return append(buf, b.Bytes()...)
		}
	}
	buf = append(buf, '"')
	buf = append(buf, s...)
	return append(buf, '"')
}
