package demo

import (
	"fmt"
	"time"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
)

// kind is what sort of device the demo has.
type kind int

const (
	aServer kind = iota
	aWorkstation
	aDocuments // a workstation that backs up documents only
	anM365     // a Microsoft 365 tenant
)

// customer is a customer of the demo's provider with its devices.
type customer struct {
	name      string
	reference string           // kept at the customer in Cove
	trial     bool             // the customer is in trial, so its devices are not judged
	companies []cwfake.Company // in ConnectWise; none: the customer is unmapped
	sites     []string
	devices   []device
}

// device is one backed-up device.
type device struct {
	name    string
	kind    kind
	sources string // D codes, padded, as in column I78
	site    int    // 1-based index into the customer's sites; 0: none
}

const (
	rootPartner   = 700100
	firstCustomer = 700200 // customers count up by 20, their sites follow them
	firstDevice   = 4200100
)

// Data sources of the usual devices.
const (
	files        = "D01"
	filesSystem  = "D01D02"
	withSQL      = "D01D02D10"
	withHyperV   = "D01D02D14"
	withExchange = "D01D02D04"
	cloud        = "D05D19D20D23"
)

func company(id int, identifier, name string) []cwfake.Company {
	return []cwfake.Company{{ID: id, Identifier: identifier, Name: name, Sites: []cwfake.Site{{Name: "Main", Primary: true}}}}
}

// newcomer is a device that was set up three days ago and has never been backed up.
const newcomer = "zaz-pliki"

// customers is the demo's fleet. It has names that break naive programs, and customers for which nobody can say
// by rule which company they are.
func customers() []customer {
	return []customer{
		{
			name: `Müller & Söhne "Nord" GmbH`, companies: company(2101, "MuellerNord", `Müller & Söhne "Nord" GmbH`), sites: []string{"Kiel", "Lübeck"},
			devices: []device{
				{"mue-dc-01", aServer, filesSystem, 1},
				{"mue-fs-01", aServer, filesSystem, 1},
				{"mue-sql-01", aServer, withSQL, 1},
				{"mue-hv-02", aServer, withHyperV, 2},
				{"mue-büro-04", aWorkstation, filesSystem, 2},
				{"mue-empfang", aDocuments, files, 2},
			},
		},
		{
			name: "Bäckerei Übelhör", companies: company(2102, "Uebelhoer", "Bäckerei Übelhör"),
			devices: []device{
				{"backstube", aServer, filesSystem, 0},
				{"kasse-1", aWorkstation, filesSystem, 0},
				{"kasse-2", aWorkstation, filesSystem, 0},
				{"büro", aDocuments, files, 0},
				{"uebelhoer.onmicrosoft.com", anM365, cloud, 0},
			},
		},
		{
			name: "O'Neill, Byrne & Partners", companies: company(2103, "ONeillByrne", "O'Neill, Byrne & Partners"),
			devices: []device{
				{"onb-sbs", aServer, withExchange, 0},
				{"onb-case-db", aServer, withSQL, 0},
				{"siobhan-nb", aWorkstation, filesSystem, 0},
				{"reception", aDocuments, files, 0},
				{"oneillbyrne.onmicrosoft.com", anM365, cloud, 0},
			},
		},
		{
			name: "Кедр Логистика", companies: company(2104, "KedrLogistika", "Кедр Логистика"), sites: []string{"Склад 2"},
			devices: []device{
				{"kedr-1c", aServer, withSQL, 0},
				{"kedr-dc", aServer, filesSystem, 0},
				{"sklad-01", aWorkstation, filesSystem, 1},
				{"sklad-02", aWorkstation, filesSystem, 1},
				{"sklad-03", aWorkstation, filesSystem, 1},
				{"бухгалтерия", aDocuments, files, 0},
			},
		},
		{
			name: "東京歯科クリニック", reference: "CWM:2105:TokyoDental", companies: company(2105, "TokyoDental", "Tokyo Dental Clinic"),
			devices: []device{
				{"x-ray-01", aServer, filesSystem, 0},
				{"受付", aWorkstation, filesSystem, 0},
				{"chair-03", aWorkstation, filesSystem, 0},
				{"chair-04", aWorkstation, filesSystem, 0},
				{"tokyoshika.onmicrosoft.com", anM365, cloud, 0},
			},
		},
		{
			name: "Harborview Dental (Group)", reference: "CWM:2106:HarborviewDental", sites: []string{"Portland", "Salem", "Eugene"},
			companies: company(2106, "HarborviewDental", "Harborview Dental Group LLC"),
			devices: []device{
				{"hvd-pdx-srv1", aServer, filesSystem, 1},
				{"hvd-pdx-img", aServer, filesSystem, 1},
				{"hvd-sal-srv1", aServer, withSQL, 2},
				{"hvd-eug-srv1", aServer, withHyperV, 3},
				{"hvd-pdx-front", aWorkstation, filesSystem, 1},
				{"hvd-sal-front", aWorkstation, filesSystem, 2},
				{"hvd-eug-lab", aDocuments, files, 3},
				{"harborview.onmicrosoft.com", anM365, cloud, 0},
			},
		},
		{
			name: "Fjord Shipping AS", reference: "PSA-FJORD | CWM:2107:FjordShipping", companies: company(2107, "FjordShipping", "Fjord Shipping AS"),
			devices: []device{
				{"fjord-erp", aServer, withSQL, 0},
				{"fjord-hv-a", aServer, withHyperV, 0},
				{"fjord-hv-b", aServer, withHyperV, 0},
				{"bridge-nb", aWorkstation, filesSystem, 0},
				{"kaptein", aDocuments, files, 0},
				{"fjordshipping.onmicrosoft.com", anM365, cloud, 0},
			},
		},
		{
			name: "Saint-Étienne Outillage SARL", companies: company(2108, "StEtienne", "Saint-Étienne Outillage SARL"), sites: []string{"Atelier"},
			devices: []device{
				{"cao-serveur", aServer, filesSystem, 0},
				{"atelier-cnc-1", aWorkstation, filesSystem, 1},
				{"atelier-cnc-2", aWorkstation, filesSystem, 1},
				{"direction", aDocuments, files, 0},
				{"outillage.onmicrosoft.com", anM365, cloud, 0},
			},
		},
		{
			name: "Zażółć Sp. z o.o.", companies: company(2109, "Zazolc", "Zażółć Sp. z o.o."),
			devices: []device{
				{"zaz-dc1", aServer, filesSystem, 0},
				{"zaz-pliki", aServer, filesSystem, 0},
				{"księgowość-1", aWorkstation, filesSystem, 0},
				{"księgowość-2", aWorkstation, filesSystem, 0},
				{"zazolc.onmicrosoft.com", anM365, cloud, 0},
			},
		},
		{
			// No company has this name and no reference says which one it is: its tickets wait.
			name:    "Quill Accounting",
			devices: []device{{"quill-srv", aServer, withSQL, 0}, {"quill-front", aWorkstation, filesSystem, 0}, {"quill-partner", aWorkstation, filesSystem, 0}},
		},
		{
			// Two companies have this name: nobody guesses.
			name: "Northgate Physio",
			companies: append(company(2111, "NorthgatePhysio", "Northgate Physio"),
				cwfake.Company{ID: 2112, Identifier: "NorthgatePhysio2", Name: "Northgate Physio", Sites: []cwfake.Site{{Name: "Main", Primary: true}}}),
			devices: []device{{"ngp-srv", aServer, filesSystem, 0}, {"ngp-desk-1", aWorkstation, filesSystem, 0}, {"ngp-desk-2", aWorkstation, filesSystem, 0}},
		},
		{
			name: "Try Before You Buy Ltd", trial: true, companies: company(2113, "TryBeforeYouBuy", "Try Before You Buy Ltd"),
			devices: []device{{"trial-srv", aServer, filesSystem, 0}, {"trial-pc-1", aWorkstation, filesSystem, 0}, {"trial-pc-2", aWorkstation, filesSystem, 0}},
		},
	}
}

// unit is a device where it stands: with its ids, its customer and its habits.
type unit struct {
	device
	id       int64
	partner  int64
	customer string
	trial    bool
	every    time.Duration // between two backups
	begun    time.Duration // how long before the demo's start its newest backup ended
}

// units numbers the fleet. The order is fixed, and with it every id.
func units() []unit {
	var all []unit
	for c, cu := range customers() {
		for _, d := range cu.devices {
			n := len(all)
			u := unit{device: d, id: int64(firstDevice + 7*n), partner: int64(firstCustomer + 20*c + d.site), customer: cu.name, trial: cu.trial}
			u.every = map[kind]time.Duration{aServer: 3 * time.Hour, anM365: 3 * time.Hour, aWorkstation: 5 * time.Hour, aDocuments: 8 * time.Hour}[d.kind]
			u.begun = time.Duration(n*37%60) * u.every / 60 // spread out, so that they do not back up in step
			all = append(all, u)
		}
	}
	return all
}

// coveFleet is the fleet as Cove shows it at the demo's start: every device healthy.
func coveFleet(start time.Time) covefake.Fleet {
	f := covefake.Fleet{Root: rootPartner, Partners: []covefake.Partner{{ID: rootPartner, Name: providerName, Level: "Reseller", State: "InProduction"}}}
	for c, cu := range customers() {
		id := int64(firstCustomer + 20*c)
		state := "InProduction"
		if cu.trial {
			state = "InTrial"
		}
		f.Partners = append(f.Partners, covefake.Partner{
			ID: id, ParentID: rootPartner, Name: cu.name, Level: "EndCustomer", State: state, ExternalCode: cu.reference,
		})
		for i, site := range cu.sites {
			f.Partners = append(f.Partners, covefake.Partner{ID: id + int64(i) + 1, ParentID: id, Name: site, Level: "Site", State: state})
		}
	}
	for n, u := range units() {
		f.Devices = append(f.Devices, u.healthy(n, start))
	}
	return f
}

// connectWise is what is set up in ConnectWise at the demo's start.
func connectWise() cwfake.Seed {
	seed := cwfake.DefaultSeed()
	for _, cu := range customers() {
		seed.Companies = append(seed.Companies, cu.companies...)
	}
	return seed
}

// healthy is a device whose every data source was backed up well.
func (u unit) healthy(n int, start time.Time) covefake.Device {
	d := covefake.Device{AccountID: u.id, PartnerID: u.partner}
	set := func(code, value string) { d.Set(code, value) }
	set("AN", u.name)
	set("AT", "1")
	set("LN", "Germany")
	set("I78", u.sources)
	set("CD", covefake.Unix(start.Add(-400*24*time.Hour)))
	set("VN", "26.1.0.26067")
	set("OP", "Full backup")
	set("OI", "5000")
	set("PN", "30 day retention")
	switch u.kind {
	case aServer:
		set("OT", "2")
		set("OS", "Windows Server 2022 Standard (20348), 64-bit")
		set("MF", "Northline")
		set("MO", "R-740")
		set("I81", "Physical")
	case aWorkstation, aDocuments:
		set("OT", "1")
		set("OS", "Windows 11 Pro (26100), 64-bit")
		set("MF", "Northline")
		set("MO", "Desk 9")
		set("I81", "Physical")
	case anM365:
		set("AT", "2")
		set("OT", "0")
	}
	if u.kind == aDocuments {
		set("OI", "5038")
		set("OP", "Documents")
		set("PN", "Documents")
	}
	if u.kind != anM365 {
		set("MN", u.name)
		set("IP", fmt.Sprintf("192.0.2.%d", 10+n))
		set("EI", fmt.Sprintf("198.51.100.%d", 10+n/6))
	}
	if u.name == newcomer {
		set("CD", covefake.Unix(start.Add(-3*24*time.Hour)))
		return d
	}
	ended := start.Add(-u.begun)
	for _, source := range u.list() {
		u.finish(&d, source, outcome{status: statusCompleted}, ended.Add(-sessionLength), ended)
	}
	u.total(&d, ended)
	return d
}
