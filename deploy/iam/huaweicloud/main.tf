# Lets a user group read what the exporter reads, in one project of Huawei Cloud. Needs the right to manage IAM.

terraform {
  required_providers {
    huaweicloud = { source = "huaweicloud/huaweicloud" }
  }
}

variable "group_id" {
  type        = string
  description = "The user group of the exporter's user."
}

variable "project_id" {
  type        = string
  description = "The project to watch; \"all\" for every one, also of the future."
}

variable "account_id" {
  type        = string
  default     = null
  description = "The account (domain) id, where the exporter is to look its project up by name."
}

resource "huaweicloud_identity_role" "read" {
  name        = "dcs-backup-exporter"
  description = "Reads DCS instances with their backup and restore records."
  type        = "XA" # of projects
  policy      = file("${path.module}/../dcs-backup-exporter.json")
}

resource "huaweicloud_identity_group_role_assignment" "read" {
  group_id   = var.group_id
  role_id    = huaweicloud_identity_role.read.id
  project_id = var.project_id
}

resource "huaweicloud_identity_role" "lookup" {
  count       = var.account_id == null ? 0 : 1
  name        = "dcs-backup-exporter-project-lookup"
  description = "Looks a project's id up by its name."
  type        = "AX" # of the account
  policy      = file("${path.module}/../project-lookup.json")
}

resource "huaweicloud_identity_group_role_assignment" "lookup" {
  count     = var.account_id == null ? 0 : 1
  group_id  = var.group_id
  role_id   = huaweicloud_identity_role.lookup[0].id
  domain_id = var.account_id
}
