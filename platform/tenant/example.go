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

connectwise:
  url: https://na.myconnectwise.net # site; http only for loopback addresses
  company: harbor                   # company id used at login
  publicKeyFile: cw.pub             # or publicKeyEnv: NAME
  privateKeyFile: cw.key            # or privateKeyEnv: NAME
  clientId: 0f0e0d0c-1111-2222-3333-444455556666

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

companies:
  create: "off"                     # for customers without a company; approve and auto are accepted and act as off for now
  catchAll: ""                      # identifier of a company for unmapped customers

policy:
  stale:                            # age of the last good backup from which it is too old
    server: 24h
    workstation: 72h
    documents: 14d
    m365: 24h
  never: 48h                        # a new device's time for its first backup
  openAfter: 1                      # sweeps a condition must hold before an incident opens
  closeAfter: 1                     # sweeps a device must be well before its incident closes
  documentsProfiles: [5038]         # Cove profiles that make a workstation a Documents device
  excludeTrial: true                # leave out devices of customers in trial
`
