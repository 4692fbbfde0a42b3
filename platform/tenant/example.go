package tenant

// Example returns a tenant document that shows every key with its meaning and its default, where it has
// one. It loads as it is once the secret files it names exist beside it.
func Example() string { return example }

const example = `# One document per tenant; "---" on a line of its own separates documents.
# Durations are written 90s, 15m, 24h or 14d.
id: harbor                          # 1 to 32 of a-z, 0-9 and "-"; never changed later
mode: shadow                        # shadow (default): decide, record, write nothing; live: write tickets

cove:
  url: https://api.backup.management/jsonapi # the default
  partner: "Harbor IT (ops@harborit.example)" # optional
  username: psa-sync                # login name of the Cove API user
  passwordFile: cove.secret         # relative to this file; or passwordEnv: NAME
  root: 481200                      # optional partner id; default: the login's own partner
  allowHosts: []                    # storage node hosts outside the vendor's domains that may be asked
  requestsPerSecond: 4              # 0.1 to 50, to all of Cove's services together
  concurrency: 4                    # 1 to 16, devices whose session errors are read at once

connectwise:
  url: https://na.myconnectwise.net # site; http only for loopback addresses
  company: harbor                   # company id used at login
  publicKeyFile: cw.pub             # or publicKeyEnv: NAME
  privateKeyFile: cw.key            # or privateKeyEnv: NAME
  clientId: 0f0e0d0c-1111-2222-3333-444455556666
  requestsPerMinute: 800            # 1 to 6000; where several tenants name one server, the lowest holds
  burst: 20                         # 1 to 200, requests at once before that pace begins; the lowest holds
  # callbacks:                      # ConnectWise calls when a ticket changes, so that it is looked at within seconds: docs/callbacks.md
  #   url: https://covewise.example.com # where it reaches this page: url + /hooks/connectwise/ + token
  #   tokenFile: cw.token           # at least 20 of A-Z, a-z, 0-9, "-", "_"; or tokenEnv: NAME

poll:
  interval: 15m                     # from sweep to sweep, at least 10s

tickets:                            # names as ConnectWise shows them
  board: Service Desk
  newStatus: New
  closedStatus: Closed
  priorities:
    server: Priority 1 - Critical
    workstation: Priority 3 - Normal
    m365: Priority 2 - Quick Response
  timeZone: UTC                     # of the times in tickets, such as Europe/London
  onHandClose: respect              # a person closed the ticket of a device that fails: reopen, new, respect, wontFix
  respectFor: 24h                   # how long respect does nothing
  reopenWithin: 24h                 # a device that fails again so soon gets its last ticket back; never, always or a time
  onDeleted: leave                  # a person deleted the ticket of a device that fails: leave or new
  hourlyCap: 200                    # tickets in an hour before further ones are rolled up into one; 0 is any number
  publicNotes: false                # true: customers see the notes and resolutions
  zeroBillTime: false               # true: the note that ends an incident is a time entry of no charge
  attachConfigurations: false       # true: attach the device's configuration, by device id or host name; one request more a ticket
  mapSites: false                   # true: the company's ConnectWise site is the one called as the device's site in Cove, unless routing names one
  templates: {summary: "", description: "", note: "", resolution: ""} # your own words: docs/templates.md; empty: the built-in text
  agreement: none                   # which agreement tickets get, such as 'type/name = "Backup" and name not like "%legacy%"'
  agreements: []                    # for some customers, the last that matches wins: {name, select: {customer: ID or NAME}, where: CONDITION or none}
  routing: []                       # for each field the first that sets it wins, when the ticket is made and not later; severity is how old the trouble is (docs/policy.md): {name, select, condition: failed, severity: critical, source: D10, set: {board: NOC}}

companies:
  create: "off"                     # for customers without a company: off, approve (a person says yes) or auto
  catchAll: ""                      # identifier of a company for unmapped customers
  catchAllAfter: 1h                 # how long their incidents wait for their own company before; 0s: not at all
  moveHome: true                    # tickets move from there to the customer's own company once there is one
  own: ""                           # identifier of your own company, for incidents of no single customer and the ticket beyond hourlyCap; default: catchAll
  writeBack: false                  # write CWM:<id>:<identifier> into the customer's own reference in Cove
  new:                              # companies that are created; names as ConnectWise shows them
    status: Active
    type: ""                        # default: the type that ConnectWise marks as default
    site: Main
    territory: ""
    country: ""                     # name or code; most servers want one
    nameLimit: 50                   # ConnectWise takes 156 since 2026.11

# heartbeat:                        # a watch outside that is called after each complete sweep, and worries when it is not
#   urlFile: heartbeat.url          # holds its https address; or urlEnv: NAME

policy:                             # all keys and how they inherit: docs/policy.md
  stale:                            # age of the last good backup from which it is too old
    server: 36h
    workstation: 5d
    documents: 14d
    m365: 24h
  never: 48h                        # a new device's time for its first backup
  openAfter: 1                      # sweeps a condition must hold before an incident opens
  closeAfter: 1                     # sweeps a device must be well before its incident closes
  documentsProfiles: [5038]         # Cove profiles that make a workstation a Documents device
  excludeTrial: true                # leave out devices of customers in trial
  group: {window: 30m, devices: 10, share: 20, join: hold} # one incident for many devices with one cause
  notSweptAfter: 3                  # sweeps that may be missed before that is an incident itself
  tags: []                          # {name: lab, select: {device: "LAB-*"}}; rules can then select by tag
  customers: []                     # other values for some customers, the last that matches wins: {name, select: {customer: ID or NAME}, stale: 48h}
  devices: []                       # and for some devices: {name, select: {class: workstation, device: "LAB-*"}, ...}
  exclude: []                       # devices that are not judged: {name, select, reason}
  windows: []                       # maintenance: {name, select, cron: "0 2 * * sun", duration: 4h, zone, reason}
  snoozes: []                       # {name, select, reason, author, until: 2027-03-31}
  expectedErrors: []                # errors by design: {name, select, item: "gone@*", reason, until}
  customConditions: []              # {name, select, when: "class == 'server' && successHours > 36"}
`
