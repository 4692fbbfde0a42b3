// Package cwfake is a fake ConnectWise PSA (Manage) server, a product of its own for tests and demos.
//
// It owns the server's side of the REST API as the vendor's description (2025.1) and public observations tell it: the
// code base and its look-up, authentication, strict validation of bodies (unknown members, lengths, enumerations,
// references, statuses bound to their board), conditions, both ways of paging, JSON Patch, tickets with notes, merging
// and children, companies, configurations and the set-up tables. It shares no types with the client of the same API,
// so that one misunderstanding cannot hide in both. It keeps everything in memory, sends callbacks about tickets when it
// is told to, and knows neither customFieldConditions nor childConditions (both are refused with 400), projects, products, time
// beyond entries for tickets, or finance beyond a list of agreements.
//
// # Use
//
//	server := cwfake.New(cwfake.Options{Company: "harbor", PublicKey: "pub", PrivateKey: "key", ClientID: "…"})
//	web := httptest.NewServer(server)
//	server.AddCompany(cwfake.Company{Identifier: "acme", Name: "Acme"})
//	server.AddFaults(cwfake.Fault{Match: "POST /service/tickets", Times: 1, Kind: cwfake.FaultLostAnswer, Drop: true})
//	server.Person("").Close(ticket, "")
//
// Judges read Tickets, OpenTickets, Duplicates, Requests, Counts, Writes and MaxPerMinute. Faults are rules (AddFaults),
// doubtful properties of the real service are Switches (Configure), and people act through Person. A fault is applied
// to requests of the API and of the look-up, never to the control API or to people.
//
// # Choices where the facts are uncertain
//
//   - Nulls satisfy `= null` and fail every other comparison but `!= null` of a value, also `!=`, `not in` and `not like`.
//   - `like` takes `*` and `%`, `_` for one character and `[set]`, and is anchored; a backslash escapes a quote.
//   - Navigable answers carry next and last before the last page, prev and first after the first one.
//   - A ticket cannot newly refer to something inactive or deleted, nor to a company whose status disallows saving;
//     what it already refers to may stay.
//   - Merging gives the merged tickets the status named, which must be one of their own board.
//   - Readable but derived members (closedFlag, parentTicketId and the like) are accepted in bodies and ignored.
//   - Type, subtype and item of a ticket must be one of the board's combinations, where it has any, and custom fields be defined.
//   - Lists show a ticket as it is. That the search index of the real service may lag is for the switches searchLag, which hides
//     new tickets, and changeLag, which shows old values of changed ones; reading by id never lags.
//   - A configuration attached twice is refused with 400, deleting a company that tickets refer to with 409.
//
// # Control API
//
// JSON under /control/, without authentication. Answers are 200 with a body or 204; a wrong body, an unknown member (which
// is named) or a refused action is 400 with {"error": text}; an unknown path is 404. Durations are texts such as "1m30s".
//
//	GET    /control/health
//	GET    /control/state       {tickets (with notes), duplicates, counts, writes, maxPerMinute}
//	PUT    /control/seed        a Seed; replaces all data, keeps switches, faults and requests
//	POST   /control/companies   [Company…] → {"ids": […]}; the status is a name, a known id is replaced
//	GET    /control/faults      the rules that are not used up
//	POST   /control/faults      [Fault…] {match, times, skip, kind, status, html, drop, retryAfter, delay, beforeWrite, right, codeBase}
//	DELETE /control/faults
//	POST   /control/callbacks   {wrongSignature?, duplicate?, reverse?, keyURL?} calls about every change of a ticket since the
//	                            last time → [{entry, action, ticket, url, statuses}], a status for each try, 0 for no answer
//	GET    /control/switches
//	PATCH  /control/switches    any members of Switches; the others stay → the switches
//	GET    /control/requests    [{method, route, path, time, status}]; DELETE forgets them
//	POST   /control/people/ACTION
//
// Actions, each with an optional "by" (the identifier that updatedBy will show):
//
//	create {summary, companyIdentifier, board, status, priority, externalXRef, description} → {"id": n}
//	close, reopen {ticket, status?}   setStatus {ticket, status}       move {ticket, board, status?}
//	edit {ticket, summary?, priority?, owner?, company?, externalXRef?}
//	merge {ticket, into, status?}     attachChild {ticket, parent}     delete {ticket}
//	addNote {ticket, text, asCustomer}
//	renameStatus {board, from, to}    setStatusInactive {board, status, inactive}
//	renameBoard {from, to}            setBoardInactive {board, inactive}   renamePriority {from, to}
//	deleteCompany {company}           renameCompany {company, name}
//	setCompanyStatus {company, status}  mergeCompany {company, into}
package cwfake
