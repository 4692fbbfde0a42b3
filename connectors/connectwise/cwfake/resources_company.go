package cwfake

const userDefined = "userDefinedField1 userDefinedField2 userDefinedField3 userDefinedField4 userDefinedField5 " +
	"userDefinedField6 userDefinedField7 userDefinedField8 userDefinedField9 userDefinedField10"

// companyFields are the members of Company (description 2025.1: identifier 30, name 50, website 255).
func companyFields() []field {
	return join(
		text("identifier", 30, required), text("name", 50, required),
		reference("status", companyStatusRes),
		texts(50, "addressLine1 addressLine2 city state leadSource "+userDefined), text("zip", 12),
		reference("country", countryResource), texts(30, "phoneNumber faxNumber"), text("website", 255),
		reference("territory", locationResource), reference("market", absentResource), text("accountNumber", 0),
		reference("defaultContact", contactResource), date("dateAcquired"), reference("sicCode", absentResource),
		reference("parentCompany", companyResource),
		several(decimalField, "annualRevenue creditLimit additionalDebt"),
		several(integerField, "numberOfEmployees yearEstablished revenueYear"),
		reference("ownershipType", absentResource), reference("timeZoneSetup", absentResource),
		several(booleanField, "leadFlag unsubscribeFlag isVendorFlag"), reference("calendar", absentResource),
		texts(0, "vendorIdentifier taxIdentifier invoiceToEmailAddress invoiceCCEmailAddress mobileGuid facebookUrl twitterUrl linkedInUrl resellerIdentifier"),
		reference("taxCode", absentResource), reference("billingTerms", absentResource), reference("invoiceTemplate", absentResource),
		reference("pricingSchedule", absentResource), reference("companyEntityType", absentResource), reference("billToCompany", companyResource),
		reference("billingSite", siteResource), reference("billingContact", contactResource), reference("invoiceDeliveryMethod", absentResource),
		flag("deletedFlag", readOnly), date("dateDeleted", readOnly), text("deletedBy", 0, readOnly),
		reference("currency", absentResource), reference("territoryManager", memberResource),
		references("types", companyTypeResource), reference("site", siteResource),
		build(field{name: "integratorTags", kind: textsField}, nil),
		build(field{name: "customFields", kind: customField}, nil),
	)
}

// configurationFields are the members of CompanyConfiguration.
func configurationFields() []field {
	return join(
		text("name", 100, required), reference("type", configurationTypeRes, required), reference("status", configurationStatRes),
		reference("company", companyResource, required), reference("contact", contactResource, within("company")),
		reference("site", siteResource, within("company")), reference("location", locationResource), reference("department", departmentResource),
		several(integerField, "locationId businessUnitId backupSuccesses backupIncomplete backupFailed backupRestores backupYear backupMonth parentConfigurationId companyLocationId"),
		texts(100, "deviceIdentifier lastLoginName cpuSpeed"), texts(250, "serialNumber osType osInfo"),
		texts(50, "modelNumber tagNumber backupServerName ipAddress defaultGateway manufacturerPartNumber"), texts(25, "macAddress ram"),
		several(dateField, "purchaseDate installationDate warrantyExpirationDate lastBackupDate"),
		reference("installedBy", memberResource), texts(0, "vendorNotes notes backupProtectedDeviceList localHardDrives mobileGuid"),
		several(booleanField, "billFlag activeFlag displayVendorFlag showRemoteFlag showAutomateFlag needsRenewalFlag"),
		several(decimalField, "backupBillableSpaceGb"), reference("vendor", companyResource), reference("manufacturer", absentResource),
		texts(1000, "managementLink remoteLink"), reference("sla", absentResource),
		build(field{name: "customFields", kind: customField}, nil),
	)
}

func companyResources() []*resource {
	named := func(name, title, typeName string, more ...[]field) *resource {
		return &resource{
			name: name, title: title, typeName: typeName, shown: []string{"name"}, keys: []string{"name"},
			fields: join(append([][]field{text("name", 50, required)}, more...)...),
		}
	}
	keyed := []string{"identifier", "name"}
	return []*resource{
		{
			name: companyResource, title: "Company", typeName: "Company", fields: companyFields(), shown: keyed, keys: keyed, firstID: 250,
			links: []string{
				"contacts", "agreements", "tickets", "opportunities", "activities", "projects", "configurations", "orders",
				"documents", "sites", "teams", "reports", "notes",
			},
			inactive: "deletedFlag", prepare: prepareCompany, check: checkCompany, saved: companySaved,
		},
		named(companyStatusRes, "Company Status", "CompanyStatus", text("notificationMessage", 500),
			several(booleanField, "defaultFlag inactiveFlag notifyFlag disallowSavingFlag customNoteFlag cancelOpenTracksFlag")),
		named(companyTypeResource, "Company Type", "CompanyType", text("serviceAlertMessage", 150),
			several(booleanField, "defaultFlag vendorFlag serviceAlertFlag")),
		{
			name: siteResource, title: "Site", typeName: "CompanySite", shown: []string{"name"}, keys: []string{"name"}, inactive: "inactiveFlag", owner: "company",
			fields: join(
				text("name", 50, required), texts(50, "addressLine1 addressLine2 city"), text("zip", 12), reference("country", countryResource),
				texts(30, "phoneNumber phoneNumberExt faxNumber"), texts(0, "addressFormat mobileGuid"),
				reference("stateReference", absentResource), reference("taxCode", absentResource), reference("entityType", absentResource),
				reference("calendar", absentResource), reference("timeZone", absentResource), several(decimalField, "expenseReimbursement"),
				build(field{name: "customFields", kind: customField}, nil),
				several(booleanField, "primaryAddressFlag defaultShippingFlag defaultBillingFlag defaultMailingFlag inactiveFlag billSeparateFlag"),
				reference("company", companyResource),
			),
		},
		{
			name: countryResource, title: "Country", typeName: "Country", shown: keyed, keys: keyed,
			fields: join(text("identifier", 3), text("name", 50, required)),
		},
		{
			name: contactResource, title: "Contact", typeName: "Contact", shown: []string{"name"}, inactive: "inactiveFlag", owner: "company",
			fields: join(
				text("firstName", 0, required), text("lastName", 0), text("name", 0, readOnly, writeOnly),
				reference("company", companyResource), text("title", 0), flag("inactiveFlag"),
			),
			prepare: prepareContact,
		},
		{
			name: agreementResource, title: "Agreement", typeName: "Agreement", shown: []string{"name"}, keys: []string{"name"}, owner: "company",
			fields: join(
				text("name", 100, required), reference("type", agreementTypeRes), reference("company", companyResource, required),
				reference("contact", contactResource),
				flag("cancelledFlag"), several(dateField, "startDate endDate dateCancelled"), text("reasonCancelled", 100),
				enum("agreementStatus", "Active|Cancelled|Expired|Inactive", readOnly),
			),
			prepare: prepareAgreement,
		},
		named(agreementTypeRes, "Agreement Type", "AgreementType", several(booleanField, "defaultFlag inactiveFlag")),
		{
			name: timeEntryResource, title: "Time Entry", typeName: "TimeEntry",
			fields: join(
				reference("company", companyResource), integer("chargeToId"), enum("chargeToType", "ServiceTicket|ProjectTicket|ChargeCode|Activity"),
				reference("member", memberResource), date("timeStart", required), date("timeEnd"), several(decimalField, "actualHours"),
				enum("billableOption", billing), texts(0, "notes internalNotes"),
				several(booleanField, "addToDetailDescriptionFlag addToInternalAnalysisFlag addToResolutionFlag emailResourceFlag emailContactFlag emailCcFlag"),
			),
			check: checkTimeEntry,
		},
		{
			name: configurationRes, title: "Configuration", typeName: "CompanyConfiguration", fields: configurationFields(),
			shown: []string{"deviceIdentifier"}, firstID: 9001, prepare: prepareConfiguration,
		},
		named(configurationTypeRes, "Configuration Type", "ConfigurationType", several(booleanField, "inactiveFlag systemFlag")),
		{
			name: configurationStatRes, title: "Configuration Status", typeName: "ConfigurationStatus", shown: []string{"name"}, keys: []string{"description"},
			fields:  join(text("description", 50, required), several(booleanField, "closedFlag defaultFlag"), text("name", 0, readOnly, writeOnly)),
			prepare: prepareConfigurationStatus,
		},
		named(locationResource, "Location", "Location"),
		named(departmentResource, "Department", "Department", text("identifier", 15)),
		{
			name: memberResource, title: "Member", typeName: "Member", shown: keyed, keys: []string{"identifier"}, inactive: "inactiveFlag",
			fields: join(
				text("identifier", 15, required), enum("licenseClass", "A|C|F|X", required), texts(30, "firstName lastName"),
				text("officeEmail", 250), several(booleanField, "inactiveFlag adminFlag"), text("name", 0, readOnly, writeOnly),
			),
			prepare: prepareMember,
		},
	}
}
