// Package covefake is a fake of the N-able Cove Data Protection management API: the management service
// (POST /jsonapi), the reporting service of a storage node (POST /repserv_json) and the Microsoft 365 reporting
// service (POST /reporting_api), all on one HTTP handler, over one fleet held in memory.
//
// It is strict: logins, visas, scopes, parameter names, parameter types and column codes are checked as the real
// server checks them, or harder where its behaviour is unknown. What is unknown about the real server is a switch
// (see Switches); how it misbehaves is a fault (see Fault). It owns its wire format and shares nothing with any
// client. It does not model agents that run backups: a test or a simulation changes the devices.
//
// # Fleet
//
// A fleet is a JSON document with the members root (partner id of the login), partners, devices and sessions; see
// Fleet. Wherever a time is expected (a device's Settings, a session's at), a value that begins with "@-" is a
// time before now in units of d, h, m and s ("@-12d10h") and becomes unix seconds when it is loaded.
//
// The columns AU and I83 always follow a device's AccountId and PartnerId. AR and PF follow the name and the
// reference of its partner, unless the device's own Settings say something else.
//
// # Control API
//
// Every path under /control/ speaks JSON. When Options.ControlToken is set, a request needs the header
// "Authorization: Bearer <token>". Unknown members are refused with 400 and the member's name, unknown ids with 404.
// Errors are {"error": "text"}. Changes answer 200 with the new state of what was changed, or 204.
//
//	GET    /control/health               {"status":"ok","partners":n,"devices":n}
//	PUT    /control/fleet                a whole Fleet; replaces everything but switches, faults and visas
//	GET    /control/devices              all devices, by AccountId
//	GET    /control/devices/{id}         one device
//	PUT    /control/devices/{id}         a whole Device; creates or replaces it
//	PATCH  /control/devices/{id}         {"Settings":{code: value | null},"PartnerId":n}; null removes a value
//	DELETE /control/devices/{id}         removes the device and its sessions
//	POST   /control/sessions             a SessionGroup; adds its sessions (Id 0 = the next free id)
//	GET    /control/partners             all partners, by Id
//	PUT    /control/partners/{id}        a whole Partner; creates or replaces it
//	PATCH  /control/partners/{id}        the members of Partner to change
//	GET    /control/faults               the faults not used up yet
//	POST   /control/faults               one Fault or a list of them; answers with their ids
//	DELETE /control/faults               clears all faults and releases held requests
//	POST   /control/release              lets the requests held by slow faults go on
//	GET    /control/requests             {"total":n,"counts":{RPC method: n},"requests":[newest 10,000, oldest first]}
//	DELETE /control/requests             forgets them
//	GET    /control/switches             the switches
//	PATCH  /control/switches             the switches to change
//	POST   /control/expire-visas         makes every visa issued so far useless
package covefake
