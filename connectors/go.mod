module github.com/covewise/covewise/connectors

go 1.26.0

require (
	github.com/covewise/covewise/platform v0.0.0
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3
	github.com/hashicorp/go-cleanhttp v0.5.2
	github.com/hashicorp/go-retryablehttp v0.7.8
	github.com/stretchr/testify v1.12.1
	golang.org/x/time v0.16.0
	pgregory.net/rapid v1.3.0
)

require go.yaml.in/yaml/v3 v3.0.6 // indirect

replace (
	github.com/covewise/covewise/platform => ../platform
	github.com/covewise/covewise/proto => ../proto
)
