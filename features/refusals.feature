@refusals
Feature: What cannot be carried out is refused, and leaves nothing behind
  Background:
    Given I am the dispatcher

  Scenario: A ticket without a summary
    When I post to "dispatch-api/tickets":
      """
      { "account_id": "d3f77db0-5d1a-4f9c-b0ea-111111111111", "site_id": "7f6a2b2c-8f1e-4f2b-b3a1-222222222222" }
      """
    Then the status is 400
    And the answer has:
      | path                 | value           |
      | $.error.code         | INVALID_REQUEST |
      | $.error.message      | #text           |
    And the query "select count(*) as n from tickets" gives 0

  Scenario: Two customers report a door
    Given a pilot account with a site and a technician
    When I create a ticket "Door will not latch"
    And I create a ticket "Door will not open"
    Then the query "select summary, version from tickets" gives the rows:
      | summary             | version |
      | Door will not open  | 0       |
      | Door will not latch | 0       |
    And I get "dispatch-api/health"
    And the answer came within 5000 ms
