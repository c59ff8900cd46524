"""The error codes of backup and restore records, and what to do about each.

The label `error_code` holds these eight, which the cloud's API reference documents, `other` for any other and `none`
where a failed record has no code.
"""

CODES = {
    "dcs.08.0001": "the backup or restore tool did not start – if the next one fails too, ask the cloud's support",
    "dcs.08.0002": "it took too long – choose a quieter hour; if it repeats, ask the cloud's support",
    "dcs.08.0003": "the bucket could not be deleted – the cloud's own trouble",
    "dcs.08.0004": "the keys for the bucket could not be had – the cloud's own trouble",
    "dcs.08.0005": "the bucket could not be created – the cloud's own trouble",
    "dcs.08.0006": "the size of the data could not be read – the cloud's own trouble",
    "dcs.08.0007": "the data could not be synchronised during a restore – try again, then ask the cloud's support",
    "dcs.08.0008": "the instance was busy with another task in its slot – move that task or the backup plan",
    "other": "a code that the cloud does not document – the exporter's log has it",
    "none": "the cloud gives no reason",
}
