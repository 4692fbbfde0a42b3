package notice

import "fmt"

// Twin is the note that ends a ticket that nobody has touched and that stands for the same trouble as another.
func Twin(device string, ticket int64) string {
	return fmt.Sprintf("This ticket came into being beside ticket %d, which stands for the same trouble: ConnectWise did not show it in time, or the record of it was lost.\n"+
		"The trouble is followed in ticket %d. Nobody has worked in this one, so that Covewise closes it.\n%s", ticket, ticket, OrphanMarker(device))
}

// Well is the note that ends a ticket of ours whose record was lost, when its device is well.
func Well(device string) string {
	return fmt.Sprintf("The device is well: a complete look at it has found nothing wrong. Since when is not known, because the record of this ticket was lost.\n"+
		"Covewise closes it.\n%s", OrphanMarker(device))
}

// Gone is the note that ends a ticket of ours whose record was lost, when its device was removed.
func Gone(device string) string {
	return fmt.Sprintf("The device is no longer in Cove; nothing was repaired. What came before is not told, because the record of this ticket was lost.\n"+
		"Covewise closes it.\n%s", OrphanMarker(device))
}

// OrphanMarker is the last line of these, by which they are found again.
func OrphanMarker(device string) string { return "Covewise " + device + " orphan" }
