package sweeps

// NewTenant lets tests judge without a bus.
var NewTenant = newTenant
