@gateway @tools
Feature: The gateway offers the tools, and nothing but the tools
  Background:
    Given a pilot account with a site and a technician
    And I am the dispatcher

  Scenario: A ticket that is created through the gateway is audited with its tool
    When I create a ticket "Door will not latch" through the gateway
    Then the ticket is NEW
    And the timeline's tools are "ticket.create"

  Scenario Outline: A tool answers under the name <tool>
    When I create a ticket "Door will not latch" through the gateway
    And I try the tool <tool> on it
    Then the status is 200

    Examples:
      | tool            |
      | ticket.timeline |
      | ticket_timeline |

  Scenario: A tool that does not exist reaches nothing
    When I create a ticket "Door will not latch" through the gateway
    And I try the tool tool.never.real on it
    Then the status is 404
    And the ticket has 1 transition and 1 audit event
