module github.com/covewise/covewise/allinone

go 1.26.0

require (
	github.com/covewise/covewise/connectors v0.0.0
	github.com/covewise/covewise/platform v0.0.0
	github.com/covewise/covewise/proto v0.0.0
	github.com/covewise/covewise/services/companysync v0.0.0
	github.com/covewise/covewise/services/console v0.0.0
	github.com/covewise/covewise/services/evaluator v0.0.0
	github.com/covewise/covewise/services/poller v0.0.0
	github.com/covewise/covewise/services/ticketer v0.0.0
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.8.0-default-no-op // indirect
	github.com/charmbracelet/x/ansi v0.11.9 // indirect
	github.com/clipperhouse/displaywidth v0.11.0 // indirect
	github.com/clipperhouse/uax29/v2 v2.7.0 // indirect
	github.com/gofrs/flock v0.13.1 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/lucasb-eyer/go-colorful v1.4.1 // indirect
	github.com/mattn/go-runewidth v0.0.27 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/nats-io/jwt/v2 v2.8.2 // indirect
	github.com/nats-io/nats-server/v2 v2.15.2 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace (
	github.com/covewise/covewise/connectors => ../connectors
	github.com/covewise/covewise/platform => ../platform
	github.com/covewise/covewise/proto => ../proto
	github.com/covewise/covewise/services/companysync => ../services/companysync
	github.com/covewise/covewise/services/console => ../services/console
	github.com/covewise/covewise/services/evaluator => ../services/evaluator
	github.com/covewise/covewise/services/poller => ../services/poller
	github.com/covewise/covewise/services/ticketer => ../services/ticketer
)
