package cwfake

// Names of the resources, which are also their names in error bodies.
const (
	ticketResource       = "ticket"
	noteResource         = "serviceNote"
	allNoteResource      = "serviceTicketNote"
	boardResource        = "board"
	statusResource       = "boardStatus"
	boardTypeResource    = "boardType"
	subTypeResource      = "boardSubType"
	itemResource         = "boardItem"
	associationResource  = "boardTypeSubTypeItemAssociation"
	userFieldResource    = "userDefinedField"
	teamResource         = "boardTeam"
	priorityResource     = "priority"
	sourceResource       = "source"
	locationResource     = "location"
	departmentResource   = "department"
	memberResource       = "member"
	companyResource      = "company"
	companyStatusRes     = "companyStatus"
	companyTypeResource  = "companyType"
	siteResource         = "companySite"
	countryResource      = "country"
	contactResource      = "contact"
	agreementResource    = "agreement"
	agreementTypeRes     = "agreementType"
	timeEntryResource    = "timeEntry"
	configurationRes     = "configuration"
	configurationTypeRes = "configurationType"
	configurationStatRes = "configurationStatus"
	// absentResource is the target of references whose tables the fake does not keep: none of them exists.
	absentResource = "record"
)

const (
	billing       = "Billable|DoNotBill|NoCharge|NoDefault"
	billingMethod = "ActualRates|FixedFee|NotToExceed|OverrideRate"
	threeLevels   = "Low|Medium|High"
	colours       = "Black|Blue|Cyan|Gray|Green|Lime|Orange|Pink|Purple|Red|White|Yellow|Custom"
)

// ticketFields are the members of Ticket (description 2025.1, with those that 2026.11 added). Their order matters
// where one member is judged by another: board before status, company before site.
func ticketFields() []field {
	return join(
		text("summary", 100, required),
		enum("recordType", "ProjectIssue|ProjectTicket|ServiceTicket"),
		reference("board", boardResource),
		reference("status", statusResource, within("board")),
		reference("workRole", absentResource), reference("workType", absentResource),
		reference("company", companyResource, required),
		reference("site", siteResource, within("company")),
		texts(50, "siteName addressLine1 addressLine2 city stateIdentifier poNumber"),
		text("zip", 12), reference("country", countryResource),
		reference("contact", contactResource, within("company")),
		text("contactName", 62), text("contactPhoneNumber", 20), text("contactPhoneExtension", 15), text("contactEmailAddress", 250),
		reference("type", boardTypeResource, within("board")),
		reference("subType", subTypeResource, within("board")),
		reference("item", itemResource, within("board")),
		reference("team", teamResource, within("board")),
		reference("owner", memberResource),
		reference("priority", priorityResource),
		reference("serviceLocation", absentResource),
		reference("source", sourceResource),
		date("requiredDate"),
		reference("opportunity", absentResource), reference("agreement", agreementResource, within("company")),
		texts(0, "agreementType resources slaStatus mobileGuid"),
		enum("severity", threeLevels, requiredOnPut), enum("impact", threeLevels, requiredOnPut),
		text("externalXRef", 100),
		several(integerField, "knowledgeBaseCategoryId knowledgeBaseSubCategoryId knowledgeBaseLinkId predecessorId lagDays duration"),
		several(booleanField, "allowAllClientsPortalView customerUpdatedFlag automaticEmailContactFlag automaticEmailResourceFlag "+
			"automaticEmailCcFlag approved predecessorClosedFlag lagNonworkingDaysFlag requestForChangeFlag billTicketSeparately "+
			"billTicketOnlyAfterClosed billUnapprovedTimeAndExpenses restrictDownPayment"),
		text("automaticEmailCc", 1000),
		texts(0, "initialDescription initialInternalAnalysis initialResolution initialDescriptionFrom contactEmailLookup", writeOnly),
		several(booleanField, "processNotifications skipCallback", writeOnly),
		date("closedDate", readOnly), text("closedBy", 0, readOnly), flag("closedFlag", readOnly),
		several(decimalField, "budgetHours estimatedExpenseCost estimatedExpenseRevenue estimatedProductCost estimatedProductRevenue "+
			"estimatedTimeCost estimatedTimeRevenue billingAmount hourlyRate subBillingAmount"),
		enum("billingMethod", billingMethod), enum("subBillingMethod", billingMethod),
		enum("billTime", billing), enum("billExpenses", billing), enum("billProducts", billing),
		enum("predecessorType", "Ticket|Phase"),
		enum("knowledgeBaseLinkType", "Activity|ProjectIssue|KnowledgeBaseArticle|ProjectTicket|ServiceTicket|Time"),
		several(dateField, "subDateAccepted estimatedStartDate"),
		several(dateField, "dateResolved dateResplan dateResponded escalationStartDateUTC respondByGoalUTC resplanGoalUTC resolutionGoalUTC", readOnly),
		several(integerField, "resolveMinutes resPlanMinutes respondMinutes escalationLevel minutesBeforeWaiting respondedSkippedMinutes "+
			"resplanSkippedMinutes minutesWaiting escalationLastUpdateMinutes", readOnly),
		several(decimalField, "actualHours respondedHours resplanHours resolutionHours", readOnly),
		texts(0, "respondedBy resplanBy resolvedBy", readOnly),
		flag("isInSla", readOnly),
		integer("parentTicketId", readOnly), flag("hasChildTicket", readOnly), flag("hasMergedChildTicketFlag", readOnly),
		reference("mergedParentTicket", ticketResource, readOnly),
		reference("location", locationResource), reference("department", departmentResource),
		reference("sla", absentResource), reference("currency", absentResource),
		build(field{name: "integratorTags", kind: textsField}, nil),
		build(field{name: "customFields", kind: customField}, nil),
	)
}

func serviceResources() []*resource {
	return []*resource{
		{
			name: ticketResource, title: "Ticket", typeName: "Ticket", fields: ticketFields(), shown: []string{"summary"},
			links: []string{"notes", "configurations", "documents", "timeentries", "tasks", "products", "scheduleentries"}, firstID: 48211,
			begin: beginTicket, prepare: prepareTicket, check: checkTicket, saved: ticketSaved,
		},
		{
			name: noteResource, title: "Service Note", typeName: "ServiceNote", owner: "ticketId", firstID: 301,
			fields: join(
				integer("ticketId"), text("text", 0, required),
				several(booleanField, "detailDescriptionFlag internalAnalysisFlag resolutionFlag"),
				flag("processNotifications", writeOnly),
				several(booleanField, "issueFlag customerUpdatedFlag internalFlag externalFlag", readOnly),
				reference("member", memberResource), reference("contact", contactResource),
				date("dateCreated", readOnly), text("createdBy", 0, readOnly),
				several(decimalField, "sentimentScore", readOnly), text("htmlContent", 0, readOnly),
			),
			check: checkNote, saved: noteSaved,
		},
		{
			name: allNoteResource, title: "Service Ticket Note", typeName: "ServiceTicketNote",
			fields: join(
				enum("noteType", "TicketNote|TimeEntryNote|MeetingNote"), reference("ticket", ticketResource), text("text", 0),
				several(booleanField, "isMarkdownFlag detailDescriptionFlag internalAnalysisFlag resolutionFlag bundledFlag mergedFlag issueFlag createdByParentFlag"),
				texts(0, "timeStart timeEnd originalAuthor"),
				reference("member", memberResource), reference("contact", contactResource),
			),
		},
		{
			name: boardResource, title: "Service Board", typeName: "Board", shown: []string{"name"}, keys: []string{"name"},
			inactive: "inactiveFlag", links: []string{"statuses", "types", "teams"},
			fields: join(
				text("name", 50, required), reference("location", locationResource, required), reference("department", departmentResource, required),
				several(booleanField, "inactiveFlag sendToContactFlag sendToResourceFlag projectFlag emailConnectorAllowReopenClosedFlag"),
				reference("autoCloseStatus", statusResource), reference("emailConnectorReopenStatus", statusResource),
				enum("billTime", billing), enum("billExpense", billing), enum("billProduct", billing),
			),
		},
		{
			name: statusResource, title: "Service Status", typeName: "BoardStatus", shown: []string{"name"}, keys: []string{"name"},
			inactive: "inactive", owner: "board",
			fields: join(
				text("name", 50, required), reference("board", boardResource), integer("sortOrder"),
				several(booleanField, "displayOnBoard inactive closedStatus timeEntryNotAllowed roundRobinCatchall defaultFlag customerPortalFlag saveTimeAsNote"),
				enum("escalationStatus", "NotResponded|Responded|ResolutionPlan|Resolved|NoEscalation"),
				reference("emailTemplate", absentResource), reference("statusIndicator", absentResource),
				text("customerPortalDescription", 500), text("customStatusIndicatorName", 30),
			),
		},
		{
			name: boardTypeResource, title: "Service Type", typeName: "BoardType", shown: []string{"name"}, keys: []string{"name"},
			inactive: "inactiveFlag", owner: "board",
			fields: join(
				text("name", 50, required), enum("category", "Reactive|Proactive"), text("integrationXref", 50),
				several(booleanField, "defaultFlag inactiveFlag requestForChangeFlag"), reference("board", boardResource),
			),
		},
		boardPart(subTypeResource, "Service SubType", "BoardSubType", build(field{name: "typeAssociationIds", kind: integersField}, nil),
			several(booleanField, "addAllTypesFlag removeAllTypesFlag", writeOnly)),
		boardPart(itemResource, "Service Item", "BoardItem"),
		{
			name: teamResource, title: "Service Team", typeName: "BoardTeam", shown: []string{"name"}, keys: []string{"name"}, owner: "boardId",
			fields: join(
				text("name", 30, required), reference("teamLeader", memberResource, required), build(field{name: "members", kind: integersField}, nil),
				several(booleanField, "defaultFlag notifyOnTicketDelete defaultRoundRobinFlag roundRobinFlag"),
				several(integerField, "boardId locationId businessUnitId"),
			),
		},
		{
			name: priorityResource, title: "Priority", typeName: "Priority", shown: []string{"name"}, keys: []string{"name"},
			fields: join(
				text("name", 50, required), enum("color", colours, required), integer("sortOrder"), flag("defaultFlag"),
				texts(0, "imageLink urgencySortOrder level"),
			),
		},
		{
			name: sourceResource, title: "Source", typeName: "Source", shown: []string{"name"}, keys: []string{"name"},
			fields: join(text("name", 50, required), flag("defaultFlag")),
		},
	}
}

func boardPart(name, title, typeName string, more ...[]field) *resource {
	return &resource{
		name: name, title: title, typeName: typeName, shown: []string{"name"}, keys: []string{"name"}, inactive: "inactiveFlag", owner: "board",
		fields: join(append([][]field{text("name", 50, required), flag("inactiveFlag"), reference("board", boardResource)}, more...)...),
	}
}
