"""The DynamoDB table: which items exist, and the conditions under which they are written."""
