package demo

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Terminal control sequences (ECMA-48 and xterm).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // a screen of its own, without cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	beginFrame  = "\x1b[?2026h\x1b[H" // drawn at once where the terminal can
	endFrame    = "\x1b[J\x1b[?2026l"
	clearLine   = "\x1b[K"
)

// paint colours a text; where colours are unwanted every colour is paintNone.
type paint string

const (
	paintNone   paint = ""
	paintBold   paint = "1"
	paintDim    paint = "2"
	paintRed    paint = "31"
	paintGreen  paint = "32"
	paintYellow paint = "33"
)

// style draws with or without colours.
type style struct{ colour bool }

func (s style) draw(p paint, text string) string {
	if !s.colour || p == paintNone {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}

// cell is text of exactly width columns; wide characters count two.
func cell(text string, width int) string {
	if width <= 0 {
		return ""
	}
	text = ansi.Truncate(clean(text), width, "…")
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}

// clean keeps what devices and servers say from steering the terminal.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// header is what stands above the table and does not come from the board.
type header struct {
	address             string
	speed               float64
	coveCalls, cwmCalls int
	duplicates          int
}

// frame draws the picture into width columns and height lines.
func (s style) frame(p picture, h header, width, height int) []string {
	width, height = max(width, 40), max(height, 12)
	lines := []string{
		s.draw(paintBold, cell(fmt.Sprintf("Covewise demo   %s   a day in %s   %s", p.now.Format("Mon 2 Jan 15:04"), dayIn(h.speed), h.address), width)),
		cell(fmt.Sprintf("%d devices, %d in trouble   tickets %d open, %d waiting   incidents %d, %d resolved",
			p.devices, len(p.lines), p.openTickets, p.waits, p.opened, p.resolved), width),
		s.draw(paintDim, cell(fmt.Sprintf("sweeps %d   requests: Cove %d, ConnectWise %d   duplicates %d", p.sweeps, h.coveCalls, h.cwmCalls, h.duplicates), width)),
		"",
	}
	const footer = 1
	forEvents := max(5, height/3)
	forTable := height - len(lines) - forEvents - footer
	lines = append(lines, s.table(p.lines, width, forTable)...)
	lines = append(lines, s.log(p.events, width, forEvents)...)
	return append(lines, s.draw(paintDim, cell("Ctrl-C ends the demo; the next one goes on from here.", width)))
}

// dayIn says how long a day lasts.
func dayIn(speed float64) string {
	seconds := 24 * 3600 / speed
	if seconds < 120 {
		return fmt.Sprintf("%.0f s", seconds)
	}
	return fmt.Sprintf("%.0f min", seconds/60)
}

func (s style) table(lines []line, width, height int) []string {
	const gap = 2
	ticket := min(24, max(15, width/5))
	rest := width - ticket - 3*gap
	device, customer := rest*28/100, rest*30/100
	state := rest - device - customer
	row := func(a, b, c, d string) string {
		g := strings.Repeat(" ", gap)
		return cell(a, device) + g + cell(b, customer) + g + cell(c, state) + g + cell(d, ticket)
	}
	out := []string{s.draw(paintDim, row("DEVICE", "CUSTOMER", "STATE", "TICKET"))}
	for i, l := range lines {
		if len(out) == height-1 && len(lines)-i > 1 {
			out = append(out, s.draw(paintDim, cell(fmt.Sprintf("and %d more, see the page", len(lines)-i), width)))
			break
		}
		p := paintRed
		switch {
		case l.waits:
			p = paintYellow
		case strings.Contains(l.state, "error") && !strings.Contains(l.state, ":"):
			p = paintYellow
		}
		out = append(out, s.draw(p, row(l.device, l.customer, l.state, l.ticket)))
	}
	if len(lines) == 0 {
		out = append(out, s.draw(paintGreen, cell("every device is well", width)))
	}
	for len(out) < height {
		out = append(out, "")
	}
	return out[:height]
}

func (s style) log(events []event, width, height int) []string {
	out := []string{s.draw(paintDim, cell("WHAT HAPPENED", width))}
	for _, e := range events[max(0, len(events)-height+1):] {
		out = append(out, s.draw(e.paint(), cell(e.brief(), width)))
	}
	for len(out) < height {
		out = append(out, "")
	}
	return out
}

func (e event) paint() paint {
	switch e.what {
	case "failed":
		return paintRed
	case "resolved", "closed":
		return paintGreen
	case "fault", "waits", "no match", "no sweep":
		return paintYellow
	default:
		return paintNone
	}
}

// brief is the event for the table's screen, where the summary has the device's name already.
func (e event) brief() string {
	parts := []string{e.at.Format("15:04"), cell(e.what, eventWidth)}
	switch {
	case e.ticket != 0:
		parts = append(parts, fmt.Sprintf("#%d", e.ticket))
	case e.device != "":
		parts = append(parts, e.device)
	case e.customer != "":
		parts = append(parts, e.customer)
	}
	return strings.TrimRight(strings.Join(append(parts, e.text), "  "), " ")
}

// plain is the event as one line: time, what, device, customer, ticket, text, apart by two blanks. What the event
// does not have is left out.
func (e event) plain() string {
	parts := []string{e.at.Format("Mon 15:04"), cell(e.what, eventWidth)}
	for _, part := range []string{e.device, e.customer} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.ticket != 0 {
		parts = append(parts, fmt.Sprintf("#%d", e.ticket))
	}
	return strings.TrimRight(clean(strings.Join(append(parts, e.text), "  ")), " ")
}

// eventWidth is the length of the longest word for what happened.
const eventWidth = len("annotated")

// show writes a frame to the terminal.
func show(w io.Writer, lines []string) error {
	var b strings.Builder
	b.WriteString(beginFrame)
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + clearLine)
	}
	b.WriteString(endFrame)
	_, err := io.WriteString(w, b.String())
	return err
}
