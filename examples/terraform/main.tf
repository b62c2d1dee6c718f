# An HTTP API behind edgeauth's authorizer, with one route. edgeauth's own stack already lets every API of the account and
# Region call the authorizer, so it needs no aws_lambda_permission.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

variable "edgeauth_stack" {
  description = "The name of edgeauth's stack."
  type        = string
  default     = "edgeauth"
}

variable "function_arn" {
  description = "The ARN of the function behind the API."
  type        = string
}

data "aws_region" "current" {}

data "aws_partition" "current" {}

data "aws_ssm_parameter" "authorizer" {
  name = "/${var.edgeauth_stack}/authorizer"
}

resource "aws_apigatewayv2_api" "example" {
  name          = "example"
  protocol_type = "HTTP"

  # The gateway answers preflights itself.
  cors_configuration {
    allow_origins = ["https://app.example.com"]
    allow_methods = ["GET"]
    allow_headers = ["authorization", "content-type"]
    max_age       = 7200
  }
}

resource "aws_apigatewayv2_authorizer" "edgeauth" {
  api_id                            = aws_apigatewayv2_api.example.id
  name                              = "edgeauth"
  authorizer_type                   = "REQUEST"
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  identity_sources                  = ["$request.header.Authorization"]
  # A cached positive answer would be used for every route, and would outlive its token.
  authorizer_result_ttl_in_seconds = 0
  authorizer_uri                   = "arn:${data.aws_partition.current.partition}:apigateway:${data.aws_region.current.name}:lambda:path/2015-03-31/functions/${data.aws_ssm_parameter.authorizer.insecure_value}/invocations"
}

resource "aws_apigatewayv2_integration" "whoami" {
  api_id                 = aws_apigatewayv2_api.example.id
  integration_type       = "AWS_PROXY"
  integration_uri        = var.function_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "whoami" {
  api_id             = aws_apigatewayv2_api.example.id
  route_key          = "GET /whoami"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.edgeauth.id
  target             = "integrations/${aws_apigatewayv2_integration.whoami.id}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.example.id
  name        = "$default"
  auto_deploy = true
}

resource "aws_lambda_permission" "whoami" {
  action        = "lambda:InvokeFunction"
  function_name = var.function_arn
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.example.execution_arn}/*/GET/whoami"
}
