package covefake

import (
	"math"
	"strconv"
)

// accountInfo is the AccountInfo struct of the API. Token and Password are secrets there; here they are invented.
type accountInfo struct {
	ID                int64 `json:"Id"`
	Name              string
	NameAlias         *string
	PartnerID         int64 `json:"PartnerId"`
	ProductID         int64 `json:"ProductId"`
	Type              string
	Token             string
	Password          string
	CreationTime      int64
	ExpirationTime    int64
	RemovalTime       int64
	LocationID        int64 `json:"LocationId"`
	StorageLocationID int64 `json:"StorageLocationId"`
}

func describe(d *Device) accountInfo {
	in := accountInfo{
		ID: d.AccountID, Name: d.Settings["I1"], PartnerID: d.PartnerID, ProductID: d.number("I9"), Type: "BackupManager",
		Token: accountToken(d.AccountID), Password: uuid("account password", d.AccountID)[:8],
		CreationTime: d.number("I4"), ExpirationTime: d.number("I5"), LocationID: 18, StorageLocationID: 18,
	}
	if alias, ok := d.Settings["I2"]; ok {
		in.NameAlias = &alias
	}
	if d.Settings["I59"] == "2" {
		in.Type = "MicrosoftOffice365" // invented: no source names it
	}
	if in.ExpirationTime == 0 {
		in.ExpirationTime = math.MaxInt32 // no expiry [observed]
	}
	return in
}

func (d *Device) number(code string) int64 {
	n, err := strconv.ParseInt(d.Settings[code], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// nodeHost is where the sessions of a device are. A fake on loopback names itself; elsewhere it names a host that
// cannot exist rather than one that might.
func (c *call) nodeHost() string {
	switch {
	case c.switches.NodeHost != "":
		return c.switches.NodeHost
	case isLoopback(c.host):
		return c.host
	default:
		return "NODE-0202-12.cloudbackup.invalid:443"
	}
}

// accountParam returns the device that a call names by its id.
func (c *call) accountParam() (*Device, *rpcError) {
	id, given := c.params.integer("accountId")
	d := c.devices[id]
	if !given || d == nil {
		return nil, c.fail(ErrUnknownAccount, "Account %d does not exist.", id)
	}
	if !c.within(d.PartnerID) {
		return nil, c.refuse("account %d is out of reach.", id)
	}
	return d, nil
}

func enumerateAccounts(c *call) (answer, *rpcError) {
	top, err := c.partnerParam("partnerId")
	if err != nil {
		return answer{}, err
	}
	var infos []accountInfo
	for _, r := range c.below(c.subtree(top.ID)) {
		infos = append(infos, describe(r.device))
	}
	return answer{result: list(c, infos)}, nil
}

// getAccountInfoByID answers the account and, beside the inner result, its storage node.
func getAccountInfoByID(c *call) (answer, *rpcError) {
	d, err := c.accountParam()
	if err != nil {
		return answer{}, err
	}
	type object = map[string]any
	return answer{result: describe(d), out: "homeNodeInfo", value: object{
		"Id": 6789, "LocationId": 18, "ActiveAccounts": len(c.devices), "TotalAccounts": len(c.devices),
		"CommonInfo": object{
			"Name": "xx.fake.17.01", "Host": c.nodeHost(), "HttpGatewayHost": "", "GatewayHost": "", "Family": "WEBDAVS",
			"Path": "", "StorageId": 1001001, "User": "*****", "Password": "*****",
			"CertificateInfo": object{"ValidationMethod": "OsTrustStore"},
		},
		"ModeInfo": object{"Mode": "Operable", "Message": ""},
		"StateInfo": object{
			"State": []string{"Online"}, "TotalStorage": 269080761, "UsedStorage": 230868142, "PrivilegedStorage": 0,
			"UpdateTimestamp": c.now.Unix(),
		},
	}}, nil
}

// enumerateRemoteAccess answers the endpoints of a device, whose URLs name the storage node too.
func enumerateRemoteAccess(c *call) (answer, *rpcError) {
	d, err := c.accountParam()
	if err != nil {
		return answer{}, err
	}
	var endpoints []map[string]string
	if d.Settings["I59"] != "2" { // a tenant in the cloud has nothing to connect to
		scheme := "https"
		if isLoopback(c.host) {
			scheme = "http"
		}
		at := scheme + "://" + c.nodeHost()
		id := strconv.FormatInt(d.AccountID, 10)
		endpoints = append(endpoints, map[string]string{
			"WebRcgUrl":           at + "/rcg/fake/" + id + "?auth_token=" + uuid("endpoint", c.now.UnixNano()),
			"InternalInfoPageUrl": at + "/rcg/fake/" + id + "/internal_info",
		})
	}
	return answer{result: list(c, endpoints)}, nil
}
