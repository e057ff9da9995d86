resource "aws_cloudformation_stack" "analytics" {
  name          = "analytics"
  template_body = file("cloudformation/analytics.json")
  parameters = {
    AnalyticsPassword = var.analytics_password
  }
}
