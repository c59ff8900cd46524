# Lets a user group read what the exporter reads, in one project of the Open Telekom Cloud. Needs the right to manage IAM.

terraform {
  required_providers {
    opentelekomcloud = { source = "opentelekomcloud/opentelekomcloud" }
  }
}

variable "group_id" {
  type        = string
  description = "The user group of the exporter's user."
}

variable "project_id" {
  type        = string
  description = "The project to watch."
}

locals {
  policy = jsondecode(file("${path.module}/../dcs-backup-exporter.json"))
}

resource "opentelekomcloud_identity_role_v3" "read" {
  display_name  = "dcs-backup-exporter"
  description   = "Reads DCS instances with their backup and restore records."
  display_layer = "project"

  dynamic "statement" {
    for_each = local.policy.Statement
    content {
      effect = statement.value.Effect
      action = statement.value.Action
    }
  }
}

resource "opentelekomcloud_identity_role_assignment_v3" "read" {
  group_id   = var.group_id
  project_id = var.project_id
  role_id    = opentelekomcloud_identity_role_v3.read.id
}
